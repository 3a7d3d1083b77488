import { mkdir, realpath, rm, stat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import type { DataFolders } from '#agent/ports/data.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'

/** @param own folder of the default datastore */
export const createDataFolders = (own: string): DataFolders => ({
  check: async (path) => {
    if (!isAbsolute(path))
      return err(
        musterError(
          'RequestInvalid',
          `"${path}" is a relative path: give the whole path of a folder.`,
        ),
      )
    try {
      const facts = await stat(path)
      if (facts.isDirectory()) return ok(await realpath(path))
      return err(musterError('InputMissing', `${path} is no folder: name the folder it lies in.`))
    } catch (thrown) {
      return err(
        musterError(
          'InputMissing',
          `The folder ${path} is not on this machine, or cannot be read: correct the path.`,
          { detail: thrownToText(thrown) },
        ),
      )
    }
  },
  own: async () => {
    await mkdir(own, { recursive: true })
    return own
  },
  discard: (path) => rm(path, { force: true }),
})
