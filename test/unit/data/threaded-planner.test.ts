import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createPlanner } from '#agent/data/plan/planner.ts'
import { createThreadedPlanner } from '#agent/data/plan/threaded-planner.ts'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { job, specOf } from './specs.ts'
import { tableOf, tableSpec } from './table-plans.ts'
import { tempFolder, writeFiles } from './temp.ts'

const forever = new AbortController().signal
const many = Object.fromEntries(
  Array.from({ length: limits.planChunkItems + 20 }, (_, i) => [`d/${String(i)}.txt`, 'x']),
)

describe('the planner in a thread of its own', () => {
  it('plans what the plain one plans, from the start and behind a written chunk', async () => {
    await using folder = await tempFolder()
    await writeFiles(folder.path, { ...many, 'first.txt': 'abc' })
    const spec = specOf({ root: folder.path })
    const plain = await Array.fromAsync(createPlanner().plan(job, spec, undefined, forever))
    const [first, second] = plain
    if (first?.kind !== 'files' || second === undefined) throw new Error('too few chunks')
    const threaded = createThreadedPlanner()
    expect(await Array.fromAsync(threaded.plan(job, spec, undefined, forever))).toEqual(plain)
    const file = first.items.at(-1)
    if (file === undefined) throw new Error('an empty chunk')
    const { chunk, firstItem, firstMiniBatch } = second
    const behind = { chunk, firstItem, firstMiniBatch, file, offset: file.bytes, record: 1 }
    expect(await Array.fromAsync(threaded.plan(job, spec, behind, forever))).toEqual([second])
  })

  it('plans one job after the other in the same thread, also after a failure, and two at once', async () => {
    await using folder = await tempFolder()
    await writeFiles(folder.path, { 'a.txt': 'x', 'b.txt': 'y' })
    const { plan } = createThreadedPlanner()
    const spec = specOf({ root: folder.path })
    const once = await Array.fromAsync(plan(job, spec, undefined, forever))
    const gone = Array.fromAsync(plan(job, specOf({ root: '/gone' }), undefined, forever))
    await expect(gone).rejects.toThrow('does not exist')
    const both = [spec, spec].map((one) => Array.fromAsync(plan(job, one, undefined, forever)))
    expect(await Promise.all(both)).toEqual([once, once])
  })

  it('says in the same words why an input cannot be planned', async () => {
    await using folder = await tempFolder()
    const gone = join(folder.path, 'gone')
    const plan = Array.fromAsync(
      createThreadedPlanner().plan(job, specOf({ root: gone }), undefined, forever),
    )
    const failure = await plan.catch((thrown: unknown) => thrown)
    expect(failure).toBeInstanceOf(MusterFailure)
    expect((failure as MusterFailure).error).toMatchObject({ code: 'InputMissing' })
    expect((failure as MusterFailure).message).toContain(gone)
  })

  it('checks tables there, and gives up one that stands still', async () => {
    await using folder = await tempFolder()
    await writeFiles(folder.path, { 'a.csv': 'x\n1\n', 'b.txt': 'x' })
    const table = tableOf({ root: folder.path, patterns: ['*.csv'] })
    const planner = createThreadedPlanner()
    expect(await planner.check(table, ['x'])).toMatchObject({ ok: true })
    const plain = createPlanner()
    for (const [input, keys] of [
      [table, ['y']],
      [{ ...table, patterns: ['*.tsv'] }, []],
    ] as const)
      expect(await planner.check(input, keys)).toEqual(await plain.check(input, keys))
    // Sooner than any thread begins.
    const planned = Array.fromAsync(
      createThreadedPlanner(1).plan(job, tableSpec({ root: folder.path }), undefined, forever),
    )
    await expect(planned).rejects.toThrow('Nothing more of the table was read for 0.001 s: is one')
  })

  it('ends its thread when it is aborted or left', async () => {
    await using folder = await tempFolder()
    await writeFiles(folder.path, many)
    const spec = specOf({ root: folder.path })
    for await (const chunk of createThreadedPlanner().plan(job, spec, undefined, forever)) {
      expect(chunk.chunk).toBe(0)
      break
    }
    const stop = new AbortController()
    const plan = createThreadedPlanner().plan(job, spec, undefined, stop.signal)
    await plan[Symbol.asyncIterator]().next()
    await rm(folder.path, { recursive: true, force: true })
    const rest = Array.fromAsync(plan)
    stop.abort()
    await expect(rest).rejects.toThrow()
  })
})
