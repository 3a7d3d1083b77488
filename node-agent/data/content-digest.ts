import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import type { ContentDigest } from '#agent/ports/data.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import { openRoot, walkFiles } from './folder-walk.ts'
import { createMatcher } from './patterns.ts'

/** Reads every file of an input and names all of it by one hash. */
export const createContentDigest = (): ContentDigest => ({
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
