import { hash } from 'node:crypto'
import { statSync } from 'node:fs'
import type { ItemPlace } from '#agent/ports/runtime.ts'
import { limits } from '#protocol/limits.ts'
import { contentHashBytes } from '#protocol/model/content.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import type { RunMessage } from '../messages.ts'
import { readItemFile, readPlannedFile } from './read-item.ts'

/** A mini-batch as it came: its columns, and the bytes that came along. */
export interface Sources {
  readonly message: RunMessage
  readonly body: Uint8Array
  /** Where in the body each item's bytes begin. */
  readonly offsets: readonly number[]
  /** What was in the items that were read so far: see `protocol/model/content.ts`. */
  readonly contents: Buffer
}

export const openSources = (message: RunMessage, body: Uint8Array): Sources => {
  let offset = 0
  const offsets = message.sources.map((source) => {
    const start = offset
    if (typeof source === 'number') offset += source
    return start
  })
  const contents = Buffer.alloc(message.sources.length * contentHashBytes)
  return { message, body, offsets, contents }
}

/**
 * An item's bytes, valid until the next call, or why there are none: a sentence, or the end of one that begins
 * with the item's name.
 */
export const sourceBytes = (sources: Sources, at: number): Uint8Array | string => {
  const bytes = readSource(sources, at)
  if (typeof bytes !== 'string') noteContent(sources.contents, at, bytes)
  return bytes
}

/** The same for the copy of an item that a script is given: it is read here first, and from memory there. */
export const noteCopy = ({ contents }: Sources, at: number, path: string): void => {
  if (statSync(path).size > limits.hashedCopyBytes) return
  const bytes = readItemFile(path)
  if (typeof bytes !== 'string') noteContent(contents, at, bytes)
}

/** Once for each item: one may be read again. */
const noteContent = (contents: Buffer, at: number, bytes: Uint8Array): void => {
  const start = at * contentHashBytes
  if (start + contentHashBytes > contents.length || contents[start] !== 0) return
  // Half as long as by a buffer of its own.
  contents.write(hash('sha256', bytes).slice(0, 2 * contentHashBytes), start, 'hex')
}

const readSource = ({ message, body, offsets }: Sources, at: number): Uint8Array | string => {
  const source = message.sources[at]
  if (source === undefined) return 'is not there'
  if (typeof source === 'string') return readItemFile(source)
  if (typeof source === 'number') {
    const start = offsets[at] ?? 0
    return body.subarray(start, start + source)
  }
  const file = fileAt(message, at)
  return file === undefined ? String(source[0]) : readPlannedFile(file.place, file.planned)
}

/** The planned file of an item in place; undefined if it is something else. */
export const fileAt = (
  { sources, names, places }: RunMessage,
  at: number,
): { readonly place: ItemPlace; readonly planned: PlannedFile } | undefined => {
  const source = sources[at]
  if (typeof source !== 'object' || source.length === 1) return undefined
  const [number, bytes, modifiedMs] = source
  const place = places[number]
  if (place === undefined) return undefined
  return { place, planned: { name: names[at] ?? '', bytes, modifiedMs, input: 0 } }
}
