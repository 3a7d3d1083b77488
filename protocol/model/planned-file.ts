import type { PlannedFile } from './plan.ts'

/**
 * What is said of a file that is not as its plan says, by whoever opens it: ends of sentences that begin with
 * the file's name.
 */

/** What the system says about a file. */
export interface FileFacts {
  readonly isFile: () => boolean
  readonly size: number
  readonly mtimeMs: number
}

/** Why a file is no longer the planned one; undefined: it is. */
export const changedSince = (
  planned: Pick<PlannedFile, 'bytes' | 'modifiedMs'>,
  facts: FileFacts,
): string | undefined => {
  if (!facts.isFile()) return noFile
  if (facts.size !== planned.bytes)
    return `had ${planned.bytes} bytes when the job was planned and now has ${facts.size}: submit the job again.`
  if (Math.trunc(facts.mtimeMs) !== planned.modifiedMs)
    return 'was changed after the job was planned: submit the job again.'
  return undefined
}

/** Words behind the name of an item: it is a folder, a pipe or the like now. */
export const noFile = 'is no longer a file: submit the job again.'

/** Time of an item that could not be looked at when it was planned; no file has it. */
export const unreadableMs = -1

/** What is wrong with an item of at most `most` bytes before any file is touched. */
export const refusalOf = (planned: PlannedFile, most: number): string | undefined => {
  if (planned.modifiedMs === unreadableMs)
    return planned.name.includes('\ufffd')
      ? 'has a name that is not valid UTF-8: rename the file.'
      : 'could not be looked at when the job was planned: check its permissions and the length of its path.'
  if (planned.bytes > most)
    return `has ${planned.bytes} bytes, more than the ${most} an item may have.`
  if (planned.name.includes('..') && planned.name.split('/').includes('..'))
    return 'leads out of its input folder and was refused.'
  return undefined
}

/** Words behind the name of an item of which fewer bytes came than its size said. */
export const becameShorter = 'became shorter while it was read: submit again.'

/** Words behind the name of an item that a link leads elsewhere. */
export const leadsOut = 'leads out of its input folder by a link and was refused.'

/** Why a file could not be opened or read; `code` is the system's, empty if there is none. */
export const unreadableWords = (code: string, name: string): string => {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'is gone: it was there when the job was planned.'
    case 'EACCES':
    case 'EPERM':
      return 'cannot be read by this user: check its permissions.'
    case 'ENAMETOOLONG':
      return 'has too long a path: move its folder nearer to the root.'
    default:
      return name.includes('\0')
        ? 'has a name that no file can have.'
        : `could not be read (${code === '' ? 'unknown error' : code}): check its disk.`
  }
}

/** The sentence about an item; the dots of a long name say that something is missing. */
export const aboutItem = (name: string, words: string): string => `"${shorten(name)}" ${words}`

/** A name short enough for a sentence or a plan. */
export const shorten = (name: string): string =>
  name.length <= 300 ? name : `${name.slice(0, 200)}...${name.slice(-80)}`
