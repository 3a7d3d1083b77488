/** Formats that are decoded. */
export type ImageKind = 'PNG' | 'JPEG' | 'WebP' | 'GIF' | 'TIFF' | 'AVIF'

/**
 * Tells a picture's format by how it begins; names are not trusted. A text in `problem` says why the bytes
 * are no picture that can be read: the end of a sentence that begins with the item's name.
 */
export const imageKind = (
  bytes: Uint8Array,
): { readonly kind: ImageKind } | { readonly problem: string } => {
  if (bytes.length === 0) return { problem: 'is empty (0 bytes)' }
  // The two commonest by their first bytes; text costs more.
  if (bytes[0] === 0x89 && isPng(bytes)) return png
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return { kind: 'JPEG' }
  const begin = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 16)).toString(
    'latin1',
  )
  if (begin.startsWith('GIF87a') || begin.startsWith('GIF89a')) return { kind: 'GIF' }
  if (begin.startsWith('RIFF') && begin.startsWith('WEBP', 8)) return { kind: 'WebP' }
  if (begin.startsWith('II*\0') || begin.startsWith('MM\0*')) return { kind: 'TIFF' }
  if (begin.startsWith('ftypavi', 4)) return { kind: 'AVIF' }
  const known = unreadable.find(({ at, text }) => begin.startsWith(text, at))
  if (known !== undefined) {
    return { problem: `is ${known.name}, which cannot be read here: convert it to PNG or JPEG` }
  }
  return { problem: `is not an image that can be read (it begins with ${shown(begin)})` }
}

const png = { kind: 'PNG' } as const
const pngSignature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

const isPng = (bytes: Uint8Array): boolean => {
  for (let at = 0; at < pngSignature.length; at += 1) {
    if (bytes[at] !== pngSignature[at]) return false
  }
  return true
}

/** Pictures people do have, but for which there is no decoder. */
const unreadable: readonly { readonly at: number; readonly text: string; readonly name: string }[] =
  [
    { at: 0, text: 'BM', name: 'a BMP picture' },
    { at: 4, text: 'ftyphe', name: 'a HEIC photo' },
    { at: 4, text: 'ftypmif1', name: 'a HEIF photo' },
    { at: 0, text: '%PDF', name: 'a PDF document' },
    { at: 0, text: '<svg', name: 'an SVG drawing' },
    { at: 0, text: '8BPS', name: 'a Photoshop file' },
  ]

/** `"hello wor"` if it is plain text, else `7f 45 4c 46`. */
const shown = (begin: string): string => {
  if (/^[\x20-\x7e\s]+$/.test(begin)) return JSON.stringify(begin.slice(0, 9))
  return Buffer.from(begin.slice(0, 4), 'latin1')
    .toString('hex')
    .replace(/..(?=.)/g, '$& ')
}
