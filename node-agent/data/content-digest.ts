import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Stats } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContentDigest } from '#agent/ports/data.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import { contentHashBytes } from '#protocol/model/content.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import { err, ok } from '#protocol/model/result.ts'
import { isInside, openRoot, walkFiles } from './plan/folder-walk.ts'
import { createMatcher } from './plan/patterns.ts'

/** Reads every file of an input and names all of it by one hash. */
export const createContentDigest = (): ContentDigest => ({
  file: async (input, planned, signal) => {
    try {
      const root = await openRoot(input.root, input.name)
      const path = await realpath(join(root, planned.name))
      if (!isInside(root, path) || !isAsPlanned(await stat(path), planned)) return undefined
      const hash = createHash('sha256')
      for await (const part of createReadStream(path, { signal })) hash.update(part as Uint8Array)
      if (!isAsPlanned(await stat(path), planned)) return undefined
      return hash.digest('hex').slice(0, 2 * contentHashBytes)
    } catch {
      signal.throwIfAborted()
      return undefined
    }
  },
  of: async (input, signal) => {
    const whole = createHash('sha256')
    try {
      const root = await openRoot(input.root, input.name)
      const matcher = createMatcher(input.patterns)
      for await (const { name } of walkFiles({ root, matcher, signal })) {
        const file = createHash('sha256')
        for await (const part of createReadStream(join(root, name), { signal }))
          file.update(part as Uint8Array)
        whole.update(`${file.digest('hex')} ${JSON.stringify(name)}\n`)
      }
      return ok(whole.digest('hex'))
    } catch (thrown) {
      signal.throwIfAborted()
      return err(
        musterError(
          'InputMissing',
          `The folder ${input.root} of input "${input.name}" could not be read to its end: check its disk.`,
          { detail: thrownToText(thrown) },
        ),
      )
    }
  },
})

const isAsPlanned = (facts: Stats, { bytes, modifiedMs }: PlannedFile): boolean =>
  facts.isFile() && facts.size === bytes && Math.trunc(facts.mtimeMs) === modifiedMs
