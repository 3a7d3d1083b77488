import { open, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import process from 'node:process'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'

/** The system's code of a failed file operation, such as `ENOENT`; empty if there is none. */
export const systemCode = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''

/** Makes the names in a folder survive a power loss. Windows journals them itself and cannot sync a folder. */
export const syncFolder = async (folder: string): Promise<void> => {
  if (process.platform === 'win32') return
  await using handle = await open(folder, 'r')
  await handle.sync()
}

/** Size of a regular file, or undefined if there is none. */
export const sizeOf = async (path: string): Promise<number | undefined> => {
  try {
    const facts = await stat(path)
    return facts.isFile() ? facts.size : undefined
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return undefined
    throw thrown
  }
}

/** Writes the whole of `part` at `position`; one system call may take only some of it. */
export const writeAll = async (
  file: FileHandle,
  part: Uint8Array,
  position: number,
): Promise<void> => {
  for (let done = 0; done < part.byteLength;) {
    const left = part.byteLength - done
    done += (await file.write(part, done, left, position + done)).bytesWritten
  }
}

/** What a failed write means for a person. `what` completes "... could not be written". */
export const writeError = (thrown: unknown, what: string, folder: string): MusterError => {
  if (thrown instanceof MusterFailure) return thrown.error
  const detail = thrownToText(thrown)
  const code = systemCode(thrown)
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return musterError(
      'DiskFull',
      `${what} could not be written because the disk of ${folder} is full: free some space and it goes on.`,
      { retryable: true, detail },
    )
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return musterError(
      'HomeNotWritable',
      `${what} could not be written because ${folder} is not writable for this user: change its permissions.`,
      { detail },
    )
  if (code === 'EISDIR')
    return musterError(
      'HomeNotWritable',
      `${what} could not be written because a folder in ${folder} has its name: move that away.`,
      { detail },
    )
  if (code === 'EFBIG')
    return musterError(
      'HomeNotWritable',
      `${what} could not be written because the disk of ${folder} does not take files of its size: choose another one.`,
      { detail },
    )
  if (code === 'EEXIST' || code === 'ENOTDIR')
    return musterError(
      'HomeNotWritable',
      `${what} could not be written because ${folder} is not a folder: move what stands there.`,
      { detail },
    )
  if (thrown instanceof Error && thrown.name === 'AbortError')
    return musterError('Aborted', `Writing ${lowerFirst(what)} was stopped.`, {
      retryable: true,
      detail,
    })
  return musterError('Internal', `${what} could not be written to ${folder}; the log says why.`, {
    detail,
  })
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)
