import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FolderWatch } from '#agent/ports/schedule.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'
import { openRoot, walkFiles } from './plan/folder-walk.ts'
import { createMatcher } from './plan/patterns.ts'

/** Lists a folder and sums up names, sizes and times. */
export const createFolderWatch = (): FolderWatch => ({
  look: async (path, patterns, signal) => {
    const hash = createHash('sha256')
    let files = 0
    let names: string[] = []
    try {
      const root = await openRoot(path, 'schedule')
      const matcher = createMatcher(patterns)
      const addNames = async (): Promise<void> => {
        // A file that vanished between the listing and the look is in the next listing no more.
        const facts = await Promise.all(
          names.map((name) => stat(join(root, name)).catch(() => undefined)),
        )
        for (const [i, one] of facts.entries())
          if (one?.isFile() === true)
            hash.update(`${JSON.stringify(names[i])} ${one.size} ${one.mtimeMs}\n`)
        files += facts.filter((one) => one?.isFile() === true).length
        names = []
      }
      for await (const { name } of walkFiles({ root, matcher, signal })) {
        names.push(name)
        if (names.length >= limits.statsAtOnce) await addNames()
      }
      await addNames()
      return ok({ signature: hash.digest('hex'), files })
    } catch (thrown) {
      signal.throwIfAborted()
      return err(
        musterError(
          'InputMissing',
          `The watched folder ${path} cannot be listed: check that it is there and may be read.`,
          { detail: thrownToText(thrown), retryable: true },
        ),
      )
    }
  },
})
