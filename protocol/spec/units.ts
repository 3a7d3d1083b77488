/**
 * Sizes as people write them: `1024`, `1024KB`, `10MB`, `1 GB`, in any case, with or without a space
 * before the unit. KB, MB and GB are powers of 1024, as in Azure ML.
 */

const bytesPerUnit = { '': 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 } as const
const sizeText = /^\s*(\d+)\s*([kmg]b)?\s*$/i

/** A size as written: its bytes, and whether a unit stood there, which a bare count has not. */
export interface Size {
  readonly bytes: number
  readonly hasUnit: boolean
}

/** Reads a size; undefined if the text is none, or too large to be counted exactly. */
export const parseSize = (text: string): Size | undefined => {
  const match = sizeText.exec(text)
  if (match === null) return undefined
  const unit = (match[2] ?? '').toUpperCase() as keyof typeof bytesPerUnit
  const bytes = Number(match[1]) * bytesPerUnit[unit]
  return Number.isSafeInteger(bytes) ? { bytes, hasUnit: unit !== '' } : undefined
}

/** Writes a size in the largest unit that keeps it exact: 1048576 is `1MB`, 1500 is `1500`. */
export const formatSize = (bytes: number): string => {
  const unit =
    (['GB', 'MB', 'KB'] as const).find((u) => bytes > 0 && bytes % bytesPerUnit[u] === 0) ?? ''
  return `${bytes / bytesPerUnit[unit]}${unit}`
}
