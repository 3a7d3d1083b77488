/**
 * Content of items as workers saw it while they read them: the first bytes of the SHA-256 of each item's file,
 * all of a mini-batch one behind the other in the order of its items. Zeros: it was not read, or not whole.
 * Records have none of their own: of a table it is the same of each slice that the plan has for the mini-batch,
 * over the bytes of its records; of Parquet over its row groups and what the footer says of them.
 */
export const contentHashBytes = 8

/** Hex of item or slice `at`; undefined: it is not known. */
export const contentHashAt = (contents: Uint8Array | undefined, at: number): string | undefined => {
  const start = at * contentHashBytes
  if (contents === undefined || contents.length < start + contentHashBytes) return undefined
  let hex = ''
  let isKnown = false
  for (let i = start; i < start + contentHashBytes; i++) {
    const byte = contents[i] ?? 0
    if (byte !== 0) isKnown = true
    hex += byte.toString(16).padStart(2, '0')
  }
  return isKnown ? hex : undefined
}
