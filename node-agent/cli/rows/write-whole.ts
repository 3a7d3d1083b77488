import { open, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import process from 'node:process'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'

/** Writes a file complete or not at all. Throws MusterFailure. */
export const writeWhole = async (file: string, parts: AsyncIterable<string>): Promise<void> => {
  const path = resolve(file)
  const draft = `${path}.${process.pid}.part`
  try {
    await using handle = await open(draft, 'wx')
    for await (const part of parts) await handle.write(part)
    await handle.sync()
    await rename(draft, path)
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

const isFileError = (thrown: unknown): thrown is NodeJS.ErrnoException & { code: string } =>
  thrown instanceof Error &&
  'syscall' in thrown &&
  'code' in thrown &&
  typeof thrown.code === 'string'
