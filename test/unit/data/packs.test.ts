import { randomUUID } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createBlobs } from '#agent/data/blobs/blobs.ts'
import { createPacks } from '#agent/data/blobs/packs.ts'
import type { Blobs } from '#agent/ports/blobs.ts'
import type { Packs } from '#agent/ports/packs.ts'
import { asBlobHash } from '#protocol/model/ids.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import { packHead } from '#protocol/wire/pack/pack.ts'
import { jobNumbered } from '../../support/ledger-fixtures.ts'
import { tempFolder } from './temp.ts'

const job = jobNumbered(1)

/** Real blobs and packs in a folder; `through` puts something between the two, as a kill would. */
const setup = async (through: (blobs: Blobs) => Pick<Blobs, 'putFile'> = (blobs) => blobs) => {
  const temp = await tempFolder()
  const blobs = createBlobs({ folder: join(temp.path, 'blobs') })
  const open = (putFile: Blobs['putFile']): Packs =>
    createPacks(join(temp.path, 'packs'), { ...blobs, putFile })
  return {
    blobs,
    packs: open(through(blobs).putFile),
    /** The same folder as the agent finds it when it starts the next time. */
    afterRestart: () => open(blobs.putFile),
    /** A file of files, as a script's process leaves it. */
    written: async (): Promise<string> => {
      const path = join(temp.path, randomUUID())
      await writeFile(path, `${packHead(randomUUID())}what a script wrote`)
      return path
    },
    /** Every blob in the folder. */
    here: async (): Promise<readonly string[]> => {
      const found = await readdir(join(temp.path, 'blobs'), {
        recursive: true,
        withFileTypes: true,
      })
      return found.filter((entry) => entry.isFile()).map((entry) => entry.name)
    },
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  }
}

const takeOk = async (packs: Packs, path: string): Promise<BlobHash> => {
  const taken = await packs.take(job, path)
  if (!taken.ok) throw new Error(taken.error.message)
  return taken.value
}

const never = new Promise<never>(() => {})

describe('packs', () => {
  it('go with their job, and take nothing along that is no pack', async () => {
    await using t = await setup()
    const pack = await takeOk(t.packs, await t.written())
    const model = await t.blobs.put(Buffer.from('a model'))
    if (!model.ok) throw new Error(model.error.message)
    await t.packs.expect(job, model.value)
    await t.packs.expect(job, asBlobHash('f'.repeat(64)))
    expect(await t.packs.jobs()).toEqual([job])
    await t.packs.drop(job)
    expect(await t.blobs.has(pack)).toBe(false)
    expect(await t.blobs.has(model.value)).toBe(true)
    expect(await t.packs.jobs()).toEqual([])
    await t.packs.drop(jobNumbered(2))
  })

  it('go after a kill too, whenever it came while one was taken', async () => {
    const moments: Record<string, (blobs: Blobs, reached: () => void) => Blobs['putFile']> = {
      'before it is here': (blobs, reached) => (path, options) =>
        blobs.putFile(path, {
          ...options,
          beforeHere: async (blob) => {
            await options?.beforeHere?.(blob)
            reached()
            return never
          },
        }),
      'as soon as it is here': (blobs, reached) => async (path, options) => {
        await blobs.putFile(path, options)
        reached()
        return never
      },
    }
    for (const [when, hang] of Object.entries(moments)) {
      const { promise: killed, resolve: reached } = Promise.withResolvers<void>()
      await using t = await setup((blobs) => ({ putFile: hang(blobs, reached) }))
      void t.packs.take(job, await t.written())
      await killed
      const packs = t.afterRestart()
      expect(await packs.jobs(), when).toEqual([job])
      await packs.drop(job)
      expect(await packs.jobs(), when).toEqual([])
      const left = (await t.here()).filter((name) => name.length === 62)
      expect(left, when).toEqual([])
    }
  })

  it('do not stay when an attempt ends after its job, or while its packs go', async () => {
    await using t = await setup()
    await takeOk(t.packs, await t.written())
    const late = [
      t.packs.drop(job),
      ...(await threeOf(t.written)).map((path) => t.packs.take(job, path)),
    ]
    await Promise.all(late)
    await t.packs.take(job, await t.written())
    expect(await t.here()).toEqual([])
    expect(await t.packs.jobs()).toEqual([])
  })
})

const threeOf = (make: () => Promise<string>): Promise<string[]> =>
  Promise.all(Array.from({ length: 3 }, make))
