/** What sentences of one cause have in common: all but names of items, paths, numbers and hashes. */
export interface Cause {
  /** The same for all sentences of the cause. */
  readonly key: string
  /** The longest part that every one of them has as it is. */
  readonly common: string
}

/** @param item name of the item that failed; empty if it was a whole attempt */
export const causeOf = (message: string, item: string): Cause => {
  // A name of a letter or two may be part of any word.
  const named = item.length < 4 ? message : message.replaceAll(item, gap)
  const key = named.replaceAll(varying, (found, line: string | undefined) =>
    line === undefined ? gap : found,
  )
  const parts = key.split(gap).map((part) => part.trim())
  return { key, common: parts.reduce((most, part) => (part.length > most.length ? part : most)) }
}

const gap = '\u0000'

/**
 * A line of a script, which says where it went wrong and stays; a path; a hash or the like; a number. Bounded,
 * since a sentence may be one long word.
 */
const varying =
  /(\.[cm]?[jt]sx?:\d+(?::\d+)?)|[^\s"'`()[\]{}<>,;=]{0,64}[\\/][^\s"'`()[\]{}<>,;]*|\b(?=[a-f-]{0,64}\d)[\da-f-]{8,}\b|\d+(?:[.,]\d+)*(?:e[+-]?\d+)?/gi
