import { splitFields } from '#agent/job/cut/fields.ts'
import type { PartitionValue } from '#protocol/model/plan.ts'
import { decodeUtf8, withoutLineEnd } from './text-head.ts'
import type { TextFormat } from './text-head.ts'

/** Reads the values of some columns out of one record's bytes; null for each that a broken record has not. */
export const readKeys = (
  { format, delimiter }: TextFormat,
  columns: readonly string[],
  keys: readonly string[],
): ((record: Uint8Array) => readonly PartitionValue[]) => {
  if (format === 'json-lines') return (record) => jsonKeys(record, keys)
  const places = keys.map((key) => columns.indexOf(key))
  const most = Math.max(...places) + 1
  return (record) => {
    const text = decodeUtf8(record)
    const fields = text === undefined ? '' : splitFields(withoutLineEnd(text), delimiter, most)
    return typeof fields === 'string'
      ? places.map(() => null)
      : places.map((place) => fields[place] ?? null)
  }
}

const jsonKeys = (record: Uint8Array, keys: readonly string[]): readonly PartitionValue[] => {
  const value = parseRecord(record)
  return keys.map((key) => {
    if (value === undefined || !Object.hasOwn(value, key)) return null
    const found = value[key]
    if (typeof found === 'string' || typeof found === 'boolean' || typeof found === 'number')
      return found
    return found === null || found === undefined ? null : JSON.stringify(found)
  })
}

/** Undefined: these bytes are no JSON object. */
const parseRecord = (record: Uint8Array): Readonly<Record<string, unknown>> | undefined => {
  const text = decodeUtf8(record)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isMap ? (value as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}
