import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { createPlanner } from '#agent/data/plan/planner.ts'
import { limits } from '#protocol/limits.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import { createTempFolder } from '../support/ledger-fixtures.ts'
import { job, specOf } from '../unit/data/specs.ts'

const forever = new AbortController().signal

const files = 200_000
const perFolder = 1_000

/** Heap of each thread in MB: half of it is our code, and 200,000 planned files need some 22. */
const heapMb = 24

const child = fileURLToPath(new URL('../support/plan-many-child.ts', import.meta.url))

const planIn = async (folder: string, mode: 'plan' | 'hold') => {
  const flags = [`--max-old-space-size=${heapMb}`, '--max-semi-space-size=1']
  const planning = spawn(process.execPath, [...flags, child, mode, folder])
  const [said, errors] = [text(planning.stdout), text(planning.stderr)]
  const [code] = (await once(planning, 'close')) as [number | null]
  return { code, said: await said, errors: await errors }
}

describe('a plan of very many files', () => {
  let folder: Awaited<ReturnType<typeof createTempFolder>>

  beforeAll(async () => {
    folder = await createTempFolder()
    for (let i = 0; i < files; i += 1) {
      const below = join(folder.path, String(Math.floor(i / perFolder)))
      if (i % perFolder === 0) mkdirSync(below)
      closeSync(openSync(join(below, `${i}.png`), 'w'))
    }
    return () => folder[Symbol.asyncDispose]()
  }, 300_000)

  it('is made in a heap that could not hold it, and takes some 20 bytes a file', async () => {
    const { code, said, errors } = await planIn(folder.path, 'plan')
    expect(code, errors).toBe(0)
    const plan = JSON.parse(said) as { items: number; bytes: number }
    expect(plan.items).toBe(files)
    expect(plan.bytes / files).toBeLessThan(40)
  })

  it('is refused by name where one partition would have more of them than a mini-batch may', async () => {
    const input = { root: folder.path, partitionFormat: '{folder}/{name}.{ending}' }
    const by = (key: string): JobSpec => ({ ...specOf(input), partitionKeys: [key] })
    const planned = Array.fromAsync(createPlanner().plan(job, by('ending'), undefined, forever))
    await expect(planned).rejects.toThrow(
      `with ending "png" are more than the ${limits.miniBatchItems} that a mini-batch may have`,
    )
  })

  it('would not fit if it were held, so that the heap of the test is a limit', async () => {
    const { code, said, errors } = await planIn(folder.path, 'hold')
    expect(said).toBe('')
    expect(code).not.toBe(0)
    expect(errors).toContain('heap out of memory')
  })
})
