/**
 * What the first bytes of a file say that cannot be read as a table of text: second halves of sentences.
 */

/** Why bytes are no text of UTF-8 at all, by the name of what they are. */
export const foreignBytes = (bytes: Uint8Array): string | undefined =>
  foreignFile(bytes) ?? foreignEncoding(bytes)

/** First bytes of files that are often taken for tables, and what to do with them. */
const marks: readonly (readonly [readonly number[], string, string])[] = [
  [[0x1f, 0x8b], 'compressed (gzip)', 'unpack it'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'compressed (zstd)', 'unpack it'],
  [[0x42, 0x5a, 0x68], 'compressed (bzip2)', 'unpack it'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'compressed (xz)', 'unpack it'],
  [[0x50, 0x4b, 0x03, 0x04], 'an archive or a workbook (zip)', 'unpack it, or save it as CSV'],
  [[0x50, 0x41, 0x52, 0x31], 'a Parquet file', 'set its format to parquet'],
]

const foreignFile = (bytes: Uint8Array): string | undefined => {
  const found = marks.find(([mark]) => mark.every((byte, i) => bytes[i] === byte))
  // Text may begin with the same letters; only such a file has bytes behind them that text has not.
  if (found === undefined || !bytes.subarray(0, 64).some(isControl)) return undefined
  const [, what, todo] = found
  return `is ${what} and no table of text: ${todo}.`
}

const isControl = (byte: number): boolean => byte < 9

const foreignEncoding = (bytes: Uint8Array): string | undefined => {
  const [a, b, c, d] = bytes
  const named = (name: string): string => `is ${name} text, which is not read: save it as UTF-8.`
  if (a === 0xff && b === 0xfe) return named(c === 0 && d === 0 ? 'UTF-32LE' : 'UTF-16LE')
  if (a === 0xfe && b === 0xff) return named('UTF-16BE')
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return named('UTF-32BE')
  const zeros = [0, 0]
  const looked = Math.min(bytes.length, 4_096)
  for (let i = 0; i < looked; i += 1) if (bytes[i] === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1
  const [even = 0, odd = 0] = zeros
  // Every second byte of western text in UTF-16 is zero, from the first letter on; text in UTF-8 has none.
  if (b === 0 && odd > looked / 4 && even < odd / 4) return named('UTF-16LE')
  if (a === 0 && even > looked / 4 && odd < even / 4) return named('UTF-16BE')
  return undefined
}

/**
 * Why text has no lines as a table has them. Read as it stands it would lose its records without a word: the
 * whole of it would be the header, or one record. `start`: behind a byte order mark.
 * `delimiter`: the byte between fields; undefined: JSON Lines.
 */
export const foreignLines = (
  bytes: Uint8Array,
  start: number,
  delimiter: number | undefined,
): string | undefined => {
  const feed = bytes.indexOf(lineFeed, start)
  const line = bytes.subarray(start, feed < 0 ? bytes.length : feed)
  if (delimiter === undefined && isDocument(line))
    return 'is one JSON document and no JSON Lines: write one object a line.'
  return hasLoneReturn(line, delimiter)
    ? 'has a lone carriage return in its first line: if its lines end so, save it with line feeds; if not, take it out.'
    : undefined
}

const lineFeed = 10
const carriageReturn = 13
const quote = 34

const isDocument = (line: Uint8Array): boolean => {
  const text = Buffer.from(line.subarray(0, 64)).toString('latin1').trim()
  return text === '[' || text === '{' || /^\[\s*\{/.test(text)
}

/** The last byte before the line feed does not count, nor what stands in fields between quotation marks. */
const hasLoneReturn = (line: Uint8Array, delimiter: number | undefined): boolean => {
  let isQuoted = false
  let closedAt = -2
  for (let i = 0; i < line.length - 1; i += 1) {
    const byte = line[i]
    if (byte === quote && isQuoted) {
      isQuoted = false
      closedAt = i
    } else if (byte === quote && delimiter !== undefined)
      isQuoted = i === 0 || line[i - 1] === delimiter || i === closedAt + 1
    else if (byte === carriageReturn && !isQuoted) return true
  }
  return false
}
