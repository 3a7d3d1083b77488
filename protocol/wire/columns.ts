import { musterError, MusterFailure } from '../errors.ts'
import { limits } from '../limits.ts'

/**
 * A column of whole numbers as bytes. Numbers of a column mostly climb by the same step (leases, positions)
 * or stay what they are (attempts, counts), so what is written is runs of equal steps: each run is two
 * varints, its length and its step (zigzag: 0, -1, 1, -2 ...), and the number before the first is 0. A
 * thousand mini-batches are a few bytes, and reading them makes no object for each.
 */

/** Largest number of a column: steps between any two stay exact. */
export const largestInColumn = 2 ** 48

/**
 * @param least smallest number that may stand in it
 * @throws RangeError for anything but whole numbers from `least` to `largestInColumn`
 */
export const encodeColumn = (numbers: readonly number[], least = 0): Uint8Array => {
  const out = createByteWriter()
  let previous = 0
  let length = 0
  let step = 0
  for (const number of numbers) {
    if (!Number.isInteger(number) || number < least || number > largestInColumn)
      throw new RangeError(`${number} does not fit a column`)
    const next = number - previous
    if (next !== step && length > 0) {
      writeRun(out, length, step)
      length = 0
    }
    step = next
    length += 1
    previous = number
  }
  if (length > 0) writeRun(out, length, step)
  return out.take()
}

/** @param most numbers that are accepted; a run of a few bytes could else stand for millions */
export const decodeColumn = (bytes: Uint8Array, most: number, least = 0): number[] => {
  const numbers: number[] = []
  const at: Cursor = { bytes, offset: 0 }
  let number = 0
  while (at.offset < bytes.length) {
    const length = readVarint(at)
    const step = unzigzag(readVarint(at))
    if (length === 0 || length > most - numbers.length) throw malformed('too many numbers')
    for (let i = 0; i < length; i += 1) {
      number += step
      if (number < least || number > largestInColumn) throw malformed('a number out of range')
      numbers.push(number)
    }
  }
  return numbers
}

/** Times of files lie before 1970 too; an absurd one becomes the nearest that fits, and no file's time. */
export const encodeTimes = (times: readonly number[]): Uint8Array =>
  encodeColumn(
    times.map((time) => Math.min(Math.max(Math.trunc(time), -largestInColumn), largestInColumn)),
    -largestInColumn,
  )

export const decodeTimes = (bytes: Uint8Array, most: number): readonly number[] =>
  decodeColumn(bytes, most, -largestInColumn)

/** Between two names; none of a file or table can have it. */
const betweenNames = '\0'

/** Names as one text: an object for each costs more than the name. */
export const encodeNames = (names: readonly string[]): Uint8Array => {
  // One that came from elsewhere and has what cannot be would be taken for two.
  const isStrange = names.some((name) => name.includes(betweenNames))
  const plain = isStrange ? names.map((name) => name.replaceAll(betweenNames, '\ufffd')) : names
  return new TextEncoder().encode(plain.join(betweenNames))
}

/** @param count how many there must be */
export const decodeNames = (bytes: Uint8Array, count: number): readonly string[] => {
  if (count === 0 && bytes.length === 0) return []
  const names = new TextDecoder().decode(bytes).split(betweenNames)
  if (names.length !== count) throw malformed('another number of names')
  if (names.some((name) => name.length > limits.itemNameBytes)) throw malformed('a name too long')
  return names
}

export type Columns<Name extends string> = Readonly<Record<Name, readonly number[]>>
type ColumnBytes<Name extends string> = Readonly<Record<Name, Uint8Array>>

/** Encodes the columns of a table. */
export const encodeColumns = <Name extends string>(
  names: readonly Name[],
  numbersOf: (name: Name) => readonly number[],
): ColumnBytes<Name> =>
  Object.fromEntries(names.map((name) => [name, encodeColumn(numbersOf(name))])) as Record<
    Name,
    Uint8Array
  >

/**
 * Reads tables one after the other, all together of at most `most` lines: of many small tables each could
 * else claim the most that one may have.
 */
export const createTableReader = (most: number) => {
  let left = most
  return <Name extends string>(
    from: ColumnBytes<NoInfer<Name>>,
    names: readonly [Name, ...Name[]],
  ): { readonly lines: number; readonly columns: Columns<Name> } => {
    const lines = decodeColumn(from[names[0]], left).length
    left -= lines
    const columns: Partial<Record<Name, readonly number[]>> = {}
    for (const name of names) {
      const numbers = decodeColumn(from[name], lines)
      if (numbers.length !== lines) throw malformed('columns of different length')
      columns[name] = numbers
    }
    return { lines, columns: columns as Columns<Name> }
  }
}

// --- details -----------------------------------------------------------------------------------

interface Cursor {
  readonly bytes: Uint8Array
  offset: number
}

interface ByteWriter {
  readonly put: (byte: number) => void
  readonly take: () => Uint8Array
}

const createByteWriter = (): ByteWriter => {
  let bytes = new Uint8Array(64)
  let length = 0
  return {
    put: (byte) => {
      if (length === bytes.length) {
        const larger = new Uint8Array(bytes.length * 2)
        larger.set(bytes)
        bytes = larger
      }
      bytes[length] = byte
      length += 1
    },
    take: () => bytes.slice(0, length),
  }
}

const writeRun = (out: ByteWriter, length: number, step: number): void => {
  writeVarint(out, length)
  writeVarint(out, step >= 0 ? step * 2 : -step * 2 - 1)
}

/** Seven bits a byte, lowest first; numbers are beyond 32 bits, hence no shifts. */
const writeVarint = (out: ByteWriter, value: number): void => {
  let rest = value
  while (rest >= 128) {
    out.put((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  out.put(rest)
}

const readVarint = (at: Cursor): number => {
  let value = 0
  for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
    const byte = at.bytes[at.offset]
    if (byte === undefined) throw malformed('cut off')
    at.offset += 1
    value += (byte & 127) * factor
    if (byte < 128) return value
  }
  throw malformed('a number too long')
}

const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2)

const malformed = (detail: string): MusterFailure =>
  new MusterFailure(
    musterError('MessageInvalid', 'A column of numbers could not be read.', { detail }),
  )
