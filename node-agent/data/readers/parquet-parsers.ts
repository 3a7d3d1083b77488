import { isUtf8 } from 'node:buffer'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { parquetSchema } from 'hyparquet'
import type { Compressors, FileMetaData, ParquetParsers } from 'hyparquet'
import { compressors as plain } from 'hyparquet-compressors'

/** How values of Parquet become values that JSON has, where the library would lose some of them without a word. */
export const parsers: Partial<ParquetParsers> = {
  // Columns of bytes are often not told apart from text; what is none keeps its bytes.
  stringFromBytes: (bytes: Uint8Array | undefined) => {
    if (bytes === undefined) return undefined
    // Twice as fast as a decoder that throws.
    const text = decoder.decode(bytes)
    return text.includes(replaced) && !isUtf8(bytes) ? bytes : text
  },
  timestampFromMilliseconds: (millis) => timeOf(millis, 1, 3),
  timestampFromMicroseconds: (micros) => timeOf(micros, 1_000, 6),
  timestampFromNanoseconds: (nanos) => timeOf(nanos, 1_000_000, 9),
  dateFromDays: (days) => timeOf(days * msOfDay, 1, 3),
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const replaced = '\uFFFD'
const msOfDay = 24 * 60 * 60 * 1_000

/**
 * ISO time with as many digits of a second as it has; the bare number where the calendar does not reach.
 * @param unit how many of `value` are a millisecond
 */
const timeOf = (value: number | bigint, unit: number, digits: number): string => {
  const number = Number(value)
  const isExact = Number.isSafeInteger(number)
  const part = isExact ? number % unit : Number(BigInt(value) % BigInt(unit))
  const rest = part < 0 ? part + unit : part
  const date = new Date(
    isExact ? (number - rest) / unit : Number((BigInt(value) - BigInt(rest)) / BigInt(unit)),
  )
  if (Number.isNaN(date.getTime())) return String(value)
  const text = date.toISOString()
  return rest === 0 ? text : `${text.slice(0, -1)}${String(rest).padStart(digits - 3, '0')}Z`
}

/** Scales of the columns that have decimals of which a number holds all digits. */
export const decimalColumns = (metadata: FileMetaData): ReadonlyMap<string, number> => {
  const found = new Map<string, number>()
  for (const { element, children } of parquetSchema(metadata).children) {
    const { name, converted_type: type, scale = 0, precision = Infinity } = element
    const isExact = precision <= exactDigits && scale > 0 && scale <= precision
    if (children.length === 0 && type === 'DECIMAL' && isExact) found.set(name, scale)
  }
  return found
}

/** Decimal digits that any number holds. */
const exactDigits = 15

/** 0.3 where the library's multiplication made 0.30000000000000004 of 3 tenths. */
export const withoutNoise = (value: unknown, scale: number): unknown =>
  typeof value === 'number' ? Number(value.toFixed(scale)) : value

/** By the system, which is several times as fast, where it can be; never more bytes than were said. */
const native: Compressors = {
  GZIP: (bytes, length) => gunzipSync(bytes, { maxOutputLength: length }),
  ZSTD: (bytes, length) => zstdDecompressSync(bytes, { maxOutputLength: length }),
}

/** A page of nulls may have no bytes at all. */
export const compressors: Compressors = Object.fromEntries(
  Object.entries({ ...plain, ...native }).map(([codec, unpack]) => [
    codec,
    (bytes: Uint8Array, length: number) =>
      length === 0 ? new Uint8Array() : unpack(bytes, length),
  ]),
)
