import { constants, copyFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileAt, noteCopy, sourceBytes } from '../item-source.ts'
import type { Sources } from '../item-source.ts'
import { plannedPath } from '../read-item.ts'

/** The mini-batch that a script works on. */
export interface OpenMiniBatch extends Sources {
  /** Why items could not be read or decoded, by place. */
  readonly problems: Map<number, string>
  /** Present where the items are records. */
  readonly records?: OpenRecords
}

/** Records of a table that could be read, and how many there are with the broken ones. */
export interface OpenRecords {
  readonly all: number
  readonly columns: readonly string[]
  readonly names: readonly string[]
  readonly values: readonly Readonly<Record<string, unknown>>[]
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
  if (open === undefined) return 'is not there'
  const source = pathOf(open, at)
  if (typeof source === 'object') return source.problem
  if (source === undefined) {
    const bytes = sourceBytes(open, at)
    if (typeof bytes === 'string') return bytes
    writeFileSync(target, bytes)
    return undefined
  }
  try {
    copyFileSync(source, target, constants.COPYFILE_FICLONE)
    noteCopy(open, at, target)
    return undefined
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)
    return `cannot be read: ${code} (${source})`
  }
}

/** Path of a file in place; undefined: its bytes came along. */
const pathOf = (
  { message }: OpenMiniBatch,
  at: number,
): string | { readonly problem: string } | undefined => {
  const source = message.sources[at]
  if (typeof source === 'string') return source
  const file = fileAt(message, at)
  if (file === undefined) return undefined
  const found = plannedPath(file.place, file.planned)
  return typeof found === 'string' ? { problem: found } : found.path
}
