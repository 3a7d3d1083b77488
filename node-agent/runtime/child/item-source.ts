import type { ItemPlace } from '#agent/ports/runtime.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import type { RunMessage } from '../messages.ts'
import { readItemFile, readPlannedFile } from './read-item.ts'

/** A mini-batch as it came: its columns, and the bytes that came along. */
export interface Sources {
  readonly message: RunMessage
  readonly body: Uint8Array
  /** Where in the body each item's bytes begin. */
  readonly offsets: readonly number[]
}

export const openSources = (message: RunMessage, body: Uint8Array): Sources => {
  let offset = 0
  const offsets = message.sources.map((source) => {
    const start = offset
    if (typeof source === 'number') offset += source
    return start
  })
  return { message, body, offsets }
}

/**
 * An item's bytes, valid until the next call, or why there are none: a sentence, or the end of one that begins
 * with the item's name.
 */
export const sourceBytes = (
  { message, body, offsets }: Sources,
  at: number,
): Uint8Array | string => {
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
