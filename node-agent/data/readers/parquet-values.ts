import type { DataReader, Encoding, SchemaElement } from 'hyparquet'
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js'
import { limits } from '#protocol/limits.ts'
import { senseless, walkDeltas, walkRuns } from './parquet-runs.ts'
import type { PageBytes } from './parquet-runs.ts'

/** What a page says it holds. */
export interface PageValues {
  readonly element: SchemaElement
  readonly encoding: Encoding | undefined
  /** Values that are not null. */
  readonly count: number
  /** Values of the dictionary before it; undefined: there is none. */
  readonly dictionary: number | undefined
}

/**
 * Looks whether the values of a page are all there, from where its levels end: the library reads on in the next
 * page, leaves values out or never ends where they are not. @throws Error if they are not
 */
export const checkValues = (page: PageBytes, values: PageValues): void => {
  const { element, encoding, count } = values
  switch (encoding) {
    case 'PLAIN':
      return checkPlain(page, element, count)
    case 'PLAIN_DICTIONARY':
    case 'RLE_DICTIONARY':
      return checkPositions(page, values)
    case 'RLE':
      return checkBooleans(page, element, count)
    case 'BYTE_STREAM_SPLIT':
      return checkRoom(page, count * widthOf(element))
    case 'DELTA_BINARY_PACKED':
      if (count > 0) walkDeltas(page, count)
      return
    case 'DELTA_LENGTH_BYTE_ARRAY':
      if (count > 0) checkLengths(page, readDeltas(page, count))
      return
    case 'DELTA_BYTE_ARRAY':
      if (count > 0) checkPrefixes(page, count)
      return
    default:
      throw new Error('its values are written in a way that is not read')
  }
}

const checkRoom = ({ bytes, at }: PageBytes, length: number): void => {
  if (!(length >= 0 && at + length <= bytes.length)) throw senseless()
}

const widths: Readonly<Record<string, number>> = {
  INT32: 4,
  FLOAT: 4,
  INT64: 8,
  DOUBLE: 8,
  INT96: 12,
}

const widthOf = ({ type, type_length: length = 0 }: SchemaElement): number =>
  type === 'FIXED_LEN_BYTE_ARRAY' && length > 0 ? length : (widths[type ?? ''] ?? Number.NaN)

/** The values of a dictionary are written so, too. */
export const checkPlain = (page: PageBytes, element: SchemaElement, count: number): void => {
  if (element.type === 'BOOLEAN') return checkRoom(page, Math.ceil(count / 8))
  if (element.type !== 'BYTE_ARRAY')
    return checkRoom(page, count === 0 ? 0 : count * widthOf(element))
  const { bytes } = page
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let value = 0; value < count; value += 1) {
    checkRoom(page, 4)
    page.at += 4 + view.getUint32(page.at, true)
  }
  checkRoom(page, 0)
}

const checkPositions = (page: PageBytes, { element, count, dictionary }: PageValues): void => {
  if (count === 0) return
  if (dictionary === undefined || element.type === 'BOOLEAN') throw senseless()
  checkRoom(page, 1)
  const width = page.bytes[page.at] ?? 0
  page.at += 1
  if (width === 0) {
    // All are the first one, and nothing more may be said.
    if (dictionary === 0) throw senseless()
    return
  }
  walkRuns(page, { count, width, below: dictionary, end: page.bytes.length }, [])
}

const checkBooleans = (page: PageBytes, { type }: SchemaElement, count: number): void => {
  if (type !== 'BOOLEAN') throw senseless()
  if (count > 0) walkRuns(page, { count, width: 1, below: 2, end: lengthEnd(page) }, [])
}

/** Where runs end whose length stands before them. */
export const lengthEnd = (page: PageBytes): number => {
  checkRoom(page, 4)
  const { bytes, at } = page
  page.at += 4
  const length = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true)
  checkRoom(page, length)
  return page.at + length
}

const readDeltas = (page: PageBytes, count: number): Int32Array => {
  const { bytes, at } = page
  walkDeltas(page, count)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const reader: DataReader = { view, offset: at }
  const found = new Int32Array(count)
  deltaBinaryUnpack(reader, count, found)
  page.at = reader.offset
  return found
}

const checkLengths = (page: PageBytes, lengths: Int32Array): void => {
  let sum = 0
  for (const length of lengths) {
    if (length < 0) throw senseless()
    sum += length
  }
  checkRoom(page, sum)
}

/** Values that begin as the one before them: a few bytes may stand for gigabytes. */
const checkPrefixes = (page: PageBytes, count: number): void => {
  const prefixes = readDeltas(page, count)
  const suffixes = readDeltas(page, count)
  checkLengths(page, suffixes)
  let before = 0
  let sum = 0
  for (let i = 0; i < count; i += 1) {
    const prefix = prefixes[i] ?? 0
    if (prefix < 0 || prefix > before) throw senseless()
    before = prefix + (suffixes[i] ?? 0)
    sum += before
  }
  if (sum > limits.tableBatchBytes) throw senseless()
}
