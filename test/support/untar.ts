import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'

const block = 512

/**
 * Unpacks the plain files of a tar archive (ustar, no links) below `folder`. Entries that would land
 * outside it are refused. Enough for the archives inside the npm browser package.
 */
export const untar = async (archive: Buffer, folder: string): Promise<void> => {
  let offset = 0
  while (offset + block <= archive.length) {
    const name = readText(archive, offset, 100)
    if (name === '') return
    const mode = readOctal(archive, offset + 100, 8)
    const size = readOctal(archive, offset + 124, 12)
    const kind = String.fromCodePoint(archive[offset + 156] ?? 0)
    const prefix = readText(archive, offset + 345, 155)
    const path = normalize(prefix === '' ? name : `${prefix}/${name}`)
    if (path.startsWith('..') || path.startsWith('/')) throw new Error(`Entry outside: ${path}`)
    const body = archive.subarray(offset + block, offset + block + size)
    if (kind === '0' || kind === '\0') {
      const target = join(folder, path)
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, body, { mode: mode & 0o777 })
    }
    offset += block + Math.ceil(size / block) * block
  }
}

const readText = (archive: Buffer, start: number, length: number): string => {
  const field = archive.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.subarray(0, end < 0 ? length : end).toString('utf8')
}

const readOctal = (archive: Buffer, start: number, length: number): number =>
  Number.parseInt(readText(archive, start, length).trim() || '0', 8)
