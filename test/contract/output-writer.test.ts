import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { writeOutput } from '#agent/effects/keeper/job-output.ts'
import { createOutputWriter } from '#agent/data/output/output-writer.ts'
import type { RowFileWish } from '#agent/ports/output.ts'
import type { Job } from '#protocol/model/job.ts'
import type { AttemptRows } from '#protocol/model/rows.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import { linesOf, packChunk } from '../support/chunks.ts'
import {
  blobNamed,
  createTempFolder,
  createTestKeys,
  genesisOf,
  groupOf,
  jobNumbered,
  jobOf,
  openTestStore,
  planOf,
} from '../support/ledger-fixtures.ts'

const job = jobNumbered(1)
const forever = new AbortController().signal
const thread = new URL('../../node-agent/output-thread.ts', import.meta.url)

/** A store with a job of `miniBatches` of 10 items, and a writer that reads it. */
const setup = async (miniBatches: number) => {
  const stack = new AsyncDisposableStack()
  const { path } = stack.use(await createTempFolder())
  const [keys] = createTestKeys('m')
  if (keys === undefined) throw new Error('no keys')
  const { self } = keys
  const store = stack.use(await openTestStore(path, keys))
  await store.ledger.found(genesisOf(self))
  const append = async (...bodies: readonly RecordBody[]) => {
    expect(await store.ledger.append(bodies)).toMatchObject({ ok: true })
  }
  await append({ kind: 'job-submitted', job: jobOf(job, self) }, planOf(job, miniBatches, 10))
  const writer = stack.use(
    createOutputWriter({ thread, database: store.file, blobs: join(path, 'blobs') }),
  )
  const folder = join(path, 'outputs')
  return {
    folder,
    self,
    views: store.views,
    wish: (fileName: string, more: Partial<RowFileWish> = {}): RowFileWish => {
      const wish = { job, folder, fileName, format: 'jsonl', present: 'other-name' } as const
      return { ...wish, ...more }
    },
    writer,
    /** Commits mini-batches as one chunk and keeps their rows, or some of them. */
    commit: async (chunk: string, list: readonly number[], kept = list, number = 2) => {
      await append({
        kind: 'committed',
        job,
        term: { number, head: self },
        groups: [groupOf(self, blobNamed(chunk), list)],
        at: 10,
      })
      const entries = list.map((miniBatch) => rowsOf(miniBatch, chunk))
      const packed = packChunk({ job, peer: self, entries })
      const positions = kept.map((miniBatch) => list.indexOf(miniBatch))
      expect(
        await store.views.keepRows({ chunk: blobNamed(chunk), job, peer: self, positions, packed }),
      ).toEqual({ ok: true })
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** The last item of each mini-batch failed. */
const rowsOf = (miniBatch: number, word: string): AttemptRows => {
  const items = Array.from({ length: 9 }, (_, at) => miniBatch * 10 + at)
  return {
    miniBatch,
    attempt: 1,
    items,
    lines: linesOf(items.map((item) => JSON.stringify({ word, item }))),
    names: items.map((item) => `${item}.png`),
    failures: [{ item: miniBatch * 10 + 9, name: 'x', message: 'It is no image.' }],
  }
}

const readLines = async (path: string): Promise<{ word: string; item: number }[]> =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { word: string; item: number })

describe('the writer of outputs', () => {
  it('writes the rows of the store in plan order, from a thread of its own', async () => {
    await using t = await setup(4)
    await t.commit('one', [3, 1])
    await t.commit('two', [0, 2])
    const written = await t.writer.write(t.wish('rows.jsonl'), forever)
    const path = join(t.folder, 'rows.jsonl')
    expect(written).toEqual({ ok: true, value: { path, rows: 36, bytes: (await stat(path)).size } })
    const items = (await readLines(path)).map(({ item }) => item)
    expect(items).toEqual(Array.from({ length: 40 }, (_, at) => at).filter((at) => at % 10 !== 9))
    expect(
      await t.writer.write(t.wish('head.csv', { format: 'csv', most: 2 }), forever),
    ).toMatchObject({ value: { rows: 2 } })
    expect(await readFile(join(t.folder, 'head.csv'), 'utf8')).toBe('word,item\ntwo,0\ntwo,1\n')
    expect(
      await t.writer.write(t.wish('none.txt', { job: jobNumbered(2) }), forever),
    ).toMatchObject({ value: { rows: 0, bytes: 0 } })
  })

  it('writes nothing while rows are missing or others count than was thought', async () => {
    await using t = await setup(2)
    await t.commit('one', [0, 1], [0])
    const { mapHash } = await t.views.sealFacts(job)
    const early = await t.writer.write(t.wish('rows.jsonl', { mapHash }), forever)
    expect(early).toMatchObject({ ok: false, error: { code: 'Aborted', retryable: true } })
    await t.commit('two', [1], [1], 1)
    const stale = await t.writer.write(t.wish('rows.jsonl', { mapHash }), forever)
    expect(stale).toMatchObject({ ok: false, error: { retryable: true } })
    expect(await readdir(t.folder).catch(() => [])).toEqual([])
    const now = (await t.views.sealFacts(job)).mapHash
    expect(await t.writer.write(t.wish('rows.jsonl', { mapHash: now }), forever)).toMatchObject({
      value: { rows: 18 },
    })
    const words = (await readLines(join(t.folder, 'rows.jsonl'))).map(({ word }) => word)
    expect(words).toEqual([
      ...Array.from({ length: 9 }, () => 'one'),
      ...Array.from({ length: 9 }, () => 'two'),
    ])
  })

  it('writes one file after the other, each under a name of its own', async () => {
    await using t = await setup(1)
    await t.commit('one', [0])
    const all = await Promise.all(
      Array.from({ length: 6 }, (_, most) =>
        t.writer.write(t.wish('rows.jsonl', { most }), forever),
      ),
    )
    const names = all.map((one) => (one.ok ? one.value.path.slice(t.folder.length + 1) : ''))
    expect(names).toEqual(['rows.jsonl', ...[2, 3, 4, 5, 6].map((n) => `rows-${n}.jsonl`)])
    expect((await readdir(t.folder)).toSorted()).toEqual(names.toSorted())
  })

  it('leaves one output of a run, also where the agent was killed before it was sealed', async () => {
    await using t = await setup(2)
    await t.commit('one', [0])
    const id = job
    const writeAs = async (spec: Partial<Job['spec']>) => {
      const { mapHash } = await t.views.sealFacts(id)
      const wish = { outputFolder: () => t.folder, mapHash, withRows: true, signal: forever }
      const whole = { ...jobOf(id, t.self).spec, outputFileName: 'rows.jsonl', ...spec }
      return writeOutput(t.writer, { ...jobOf(id, t.self), spec: whole } as Job, wish)
    }
    const path = join(t.folder, 'rows.jsonl')
    const place = { outputPlace: { path: t.folder, overwrite: false } }
    for (const spec of [{}, {}, place, place])
      expect(await writeAs(spec)).toMatchObject({ ok: true, value: { output: path } })
    expect(await readdir(t.folder)).toEqual(['rows.jsonl'])
    // What counts may have changed meanwhile; only in the run's own folder it is surely ours.
    await t.commit('two', [1])
    expect(await writeAs({})).toMatchObject({ value: { output: path } })
    expect((await readLines(path)).length).toBe(18)
    expect(await readdir(t.folder)).toEqual(['rows.jsonl'])
  })

  it('gives up when asked to, and goes on with the next', async () => {
    await using t = await setup(2_000)
    await t.commit(
      'one',
      Array.from({ length: 2_000 }, (_, at) => at),
    )
    const stop = new AbortController()
    const first = t.writer.write(t.wish('rows.jsonl'), stop.signal)
    await t.views.job(job)
    stop.abort()
    expect(await first).toMatchObject({ ok: false, error: { code: 'Aborted', retryable: true } })
    expect(await readdir(t.folder).catch(() => [])).toEqual([])
    expect(await t.writer.write(t.wish('rows.jsonl'), forever)).toMatchObject({ ok: true })
  })

  it('says what is wrong with a folder, and does what it can later', async () => {
    await using t = await setup(1)
    await t.commit('one', [0])
    await writeFile(t.folder, 'a file where the folder should be')
    const failed = await t.writer.write(t.wish('rows.jsonl'), forever)
    expect(failed).toMatchObject({
      ok: false,
      error: {
        code: 'HomeNotWritable',
        message: `The output file rows.jsonl could not be written because ${t.folder} is not a folder: move what stands there.`,
      },
    })
    await rm(t.folder)
    await mkdir(t.folder)
    expect(await t.writer.write(t.wish('rows.jsonl'), forever)).toMatchObject({ ok: true })
  })
})
