import { link, lstat, open, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import process from 'node:process'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'

/** Writes a file complete or not at all; what is there stays unless `overwrite` is said. Throws MusterFailure. */
export const writeWhole = async (
  file: string,
  parts: AsyncIterable<string>,
  overwrite: boolean,
): Promise<void> => {
  const path = resolve(file)
  const draft = `${path}.${process.pid}.part`
  // Looked at first, too: nobody should wait for rows that have no place.
  if (!overwrite && (await isThere(path))) throw new MusterFailure(outputExists(path))
  try {
    await using handle = await open(draft, 'wx')
    for await (const part of parts) await handle.write(part)
    await handle.sync()
    if (overwrite) await rename(draft, path)
    else await claim(draft, path)
  } catch (thrown) {
    await rm(draft, { force: true }).catch(() => undefined)
    if (thrown instanceof MusterFailure || !isFileError(thrown)) throw thrown
    throw new MusterFailure(
      musterError(
        thrown.code === 'ENOSPC' ? 'DiskFull' : 'RequestInvalid',
        `The file ${path} cannot be written (${thrown.code}); choose another place with --output.`,
        { detail: thrownToText(thrown) },
      ),
    )
  }
}

const outputExists = (path: string) =>
  musterError(
    'OutputExists',
    `${path} is there already and would be replaced; choose another place, or replace it with --overwrite.`,
  )

/** Also true of a link that leads nowhere. */
const isThere = async (path: string): Promise<boolean> =>
  (await lstat(path).catch(() => undefined)) !== undefined

/** A link refuses to replace what somebody else put there meanwhile; a rename would not. */
const claim = async (draft: string, path: string): Promise<void> => {
  try {
    await link(draft, path)
  } catch {
    if (await isThere(path)) throw new MusterFailure(outputExists(path))
    // A file system without links.
    return rename(draft, path)
  }
  await rm(draft, { force: true })
}

const isFileError = (thrown: unknown): thrown is NodeJS.ErrnoException & { code: string } =>
  thrown instanceof Error &&
  'syscall' in thrown &&
  'code' in thrown &&
  typeof thrown.code === 'string'
