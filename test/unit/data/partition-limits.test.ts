import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createPlanner } from '#agent/data/plan/planner.ts'
import { directAccess } from '#agent/data/readers/file-access.ts'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import { itemsOf, miniBatchesOf } from '#protocol/model/plan.ts'
import { job, specOf } from './specs.ts'
import { tempFolder } from './temp.ts'

const forever = new AbortController().signal

/** Plans one CSV of one column by it: counts, or the sentence of the refusal. */
const planByKey = async (values: Iterable<string>) => {
  await using folder = await tempFolder()
  await writeFile(join(folder.path, 'a.csv'), `key\n${[...values].join('\n')}\n`)
  const spec: JobSpec = {
    ...specOf({ root: folder.path }),
    inputs: [
      {
        kind: 'table',
        name: 'prices',
        root: folder.path,
        patterns: ['**/*'],
        format: 'delimited',
        delimiter: ',',
        header: true,
      },
    ],
    partitionKeys: ['key'],
  }
  let [records, partitions] = [0, 0]
  try {
    const { plan } = createPlanner({ access: directAccess })
    for await (const chunk of plan(job, spec, undefined, forever)) {
      records += itemsOf(chunk)
      partitions += miniBatchesOf(chunk)
    }
  } catch (thrown) {
    if (thrown instanceof MusterFailure) return thrown.error.message
    throw thrown
  }
  return { records, partitions }
}

function* repeat(count: number, valueOf: (at: number) => string): Generator<string> {
  for (let i = 0; i < count; i += 1) yield valueOf(i)
}

const distinct = (count: number) => planByKey(repeat(count, (at) => `k${at}`))
const alternating = (count: number) => planByKey(repeat(count, (at) => (at % 2 === 0 ? 'a' : 'b')))
const alike = (count: number) => planByKey(repeat(count, () => 'a'))

// Each is planned at its limit, and refused one beyond it.
describe('a table by partition keys may have', () => {
  it('so many combinations of values', { timeout: 180_000 }, async () => {
    const most = limits.partitions
    expect(await distinct(most)).toEqual({ records: most, partitions: most })
    expect(await distinct(most + 1)).toBe(
      `Input "prices" has more than ${most} different combinations of key: use fewer partition keys, or cut by mini_batch_size.`,
    )
  })

  it('so many records in one mini-batch', { timeout: 180_000 }, async () => {
    const most = limits.tableBatchRecords
    expect(await alike(most)).toEqual({ records: most, partitions: 1 })
    expect(await alike(most + 1)).toBe(
      `The records of input "prices" with key "a" are more than the ${most} that a mini-batch may have: add a partition key.`,
    )
  })

  it('so many places in one mini-batch', { timeout: 180_000 }, async () => {
    const most = limits.slicesPerMiniBatch
    expect(await alternating(2 * most)).toEqual({ records: 2 * most, partitions: 2 })
    expect(await alternating(2 * most + 1)).toBe(
      `The records of input "prices" with key "a" stand in more than ${most} different places: sort the files by key.`,
    )
  })

  it('so many places in all', { timeout: 180_000 }, async () => {
    const most = limits.partitionSlices
    expect(await alternating(most)).toContain('stand in more than')
    expect(await alternating(most + 1)).toBe(
      `The records of input "prices" are too scattered: more than ${most} times a record has other partition values than the one before it. Sort its files by key.`,
    )
  })

  it('so many characters in a value', async () => {
    const most = limits.partitionValueLength
    expect(await planByKey(['x'.repeat(most)])).toEqual({ records: 1, partitions: 1 })
    expect(await planByKey(['x'.repeat(most + 1)])).toBe(
      `Input "prices" has a partition value of more than ${most} characters: choose other partition keys.`,
    )
  })
})
