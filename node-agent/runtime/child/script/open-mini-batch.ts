import { constants, copyFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { RunMessage } from '../../messages.ts'
import { readItemFile } from '../read-item.ts'

/** The mini-batch that a script works on. */
export interface OpenMiniBatch {
  readonly message: RunMessage
  readonly body: Uint8Array
  /** Why items could not be read or decoded, by place. */
  readonly problems: Map<number, string>
}

/** An item's bytes, valid until the next call, or the end of a sentence that says why there are none. */
export const itemBytes = ({ message, body }: OpenMiniBatch, at: number): Uint8Array | string => {
  const source = message.sources[at]
  if (typeof source === 'string') return readItemFile(source)
  if (typeof source !== 'number') return source?.[0] ?? 'is not there'
  let start = 0
  for (let before = 0; before < at; before += 1) {
    const size = message.sources[before]
    if (typeof size === 'number') start += size
  }
  return body.subarray(start, start + source)
}

/** Letters that every file system takes; what makes the name unique stands before it. */
export const safeName = (open: OpenMiniBatch | undefined, at: number): string =>
  basename(open?.message.names[at] ?? 'item')
    .replaceAll(/[^\w.-]/g, '_')
    .slice(-100)

/** The script gets a copy, never the owner's file: so what it may read is known before it starts. */
export const layOut = (
  open: OpenMiniBatch | undefined,
  at: number,
  target: string,
): string | undefined => {
  const source = open?.message.sources[at]
  if (open === undefined) return 'is not there'
  if (typeof source !== 'string') {
    const bytes = itemBytes(open, at)
    if (typeof bytes === 'string') return bytes
    writeFileSync(target, bytes)
    return undefined
  }
  try {
    copyFileSync(source, target, constants.COPYFILE_FICLONE)
    return undefined
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)
    return `cannot be read: ${code} (${source})`
  }
}
