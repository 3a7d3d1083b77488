import { parquetMetadata } from 'hyparquet'
import type { FileMetaData, SchemaElement } from 'hyparquet'
import { limits } from '#protocol/limits.ts'
import { readVarint, senseless, skipBytes, skipVarint } from './parquet-runs.ts'
import type { PageBytes } from './parquet-runs.ts'

/**
 * Takes a footer apart: the bytes at the end of a file. The library believes what stands there; it would reserve
 * gigabytes for a list that is said to be long, and never end where an element is said to have less than no children.
 * @throws Error, or whatever the library says, if it makes no sense
 */
export const readMetadata = (tail: Uint8Array): FileMetaData => {
  try {
    walkStruct({ bytes: tail, at: 0 })
  } catch {
    throw new Error('its footer makes no sense')
  }
  const metadata = parquetMetadata(tail, { geoparquet: false })
  checkSchema(metadata.schema)
  const isGeo = metadata.key_value_metadata?.some(({ key }) => key === 'geo') ?? false
  return isGeo ? parquetMetadata(tail) : metadata
}

/** Elements stand before their children, and each tree of them ends before the list does. */
const checkSchema = (schema: readonly SchemaElement[]): void => {
  /** How many children are still to come, level by level. */
  const open = [1]
  for (const { num_children: children = 0 } of schema) {
    while (open.at(-1) === 0) open.pop()
    const left = open.pop()
    // Behind the root's last child nobody looks.
    if (left === undefined) return
    if (!Number.isInteger(children) || children < 0 || open.length >= limits.parquetDepth)
      throw new Error('its columns make no sense')
    open.push(left - 1, children)
  }
  if (open.some((left) => left > 0)) throw new Error('its columns make no sense')
}

/** Kinds of values in Thrift's compact form, in which footers and heads of pages are written. */
const kinds = { yes: 1, no: 2, byte: 3, double: 7, binary: 8, list: 9, struct: 12 }

/** From field to field, to the end of the outermost struct. @throws Error if it goes beyond its bytes */
export const walkStruct = (page: PageBytes, depth = 0): void => {
  if (depth > limits.parquetDepth) throw senseless()
  for (;;) {
    const [head = 0] = skipBytes(page, 1)
    const kind = head & 15
    if (kind === 0) return
    if (head >> 4 === 0) skipVarint(page)
    walkValue(page, kind, depth)
  }
}

const walkValue = (page: PageBytes, kind: number, depth: number): void => {
  if (kind === kinds.yes || kind === kinds.no) return
  if (kind === kinds.byte) skipBytes(page, 1)
  else if (kind < kinds.double) skipVarint(page)
  else if (kind === kinds.double) skipBytes(page, 8)
  else if (kind === kinds.binary) skipBytes(page, readVarint(page))
  else if (kind === kinds.list) walkList(page, depth + 1)
  else if (kind === kinds.struct) walkStruct(page, depth + 1)
  else throw senseless()
}

const walkList = (page: PageBytes, depth: number): void => {
  if (depth > limits.parquetDepth) throw senseless()
  const [head = 0] = skipBytes(page, 1)
  const kind = head & 15
  const size = head >> 4 === 15 ? readVarint(page) : head >> 4
  // Each value has a byte at least.
  if (size > page.bytes.length - page.at) throw senseless()
  const isFlag = kind === kinds.yes || kind === kinds.no
  for (let value = 0; value < size; value += 1) walkValue(page, isFlag ? kinds.byte : kind, depth)
}
