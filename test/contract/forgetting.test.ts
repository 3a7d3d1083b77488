import type { JobForgotten } from '#protocol/model/forgotten.ts'
import { forgettableKinds } from '#protocol/model/forgettable.ts'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Keys } from '#agent/ports/keys.ts'
import { MusterFailure } from '#protocol/errors.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { PlanChunkWritten, RecordBody } from '#protocol/model/record.ts'
import type { AttemptRows } from '#protocol/model/rows.ts'
import { decodeSegment } from '#protocol/wire/ledger/segment.ts'
import { until } from '../../tools/agents.ts'
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
  sha256,
} from '../support/ledger-fixtures.ts'

const job = jobNumbered(1)
const other = jobNumbered(2)
const signal = new AbortController().signal

const forgotten: JobForgotten = {
  kind: 'job-forgotten',
  job,
  state: 'Completed',
  endedAt: 70,
  sums: {
    items: 4,
    itemsSucceeded: 3,
    itemsFailed: 1,
    miniBatches: 2,
    committed: 2,
    failedMiniBatches: 0,
  },
  at: 90,
}

const rowsOf = (miniBatch: number): AttemptRows => ({
  miniBatch,
  attempt: 1,
  items: [2 * miniBatch, 2 * miniBatch + 1],
  lines: linesOf(['"secret words"', '"more words"']),
  names: ['patient-7.png', 'patient-8.png'],
  failures: [],
})

/** A cluster of two stores: a job with rows, failures and a seal, and another job beside it. */
const setup = async () => {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await createTempFolder())
  const [keys, others, third] = createTestKeys('mno') as [Keys, Keys, Keys]
  let store = await openTestStore(join(folder.path, 'a'), keys)
  stack.defer(() => store[Symbol.asyncDispose]())
  const away = stack.use(await openTestStore(join(folder.path, 'b'), others))
  const founded = await store.ledger.found(genesisOf(keys.self))
  if (!founded.ok) throw new MusterFailure(founded.error)
  await away.ledger.adopt(founded.value)
  const { self } = keys
  const say = async (of: typeof store, ...bodies: readonly RecordBody[]) => {
    for (const body of bodies) {
      const added = await of.ledger.append([body])
      if (!added.ok) throw new MusterFailure(added.error)
    }
  }
  const term = { number: 1, head: self }
  const entries = [rowsOf(0), rowsOf(1)]
  const packed = packChunk({ job, peer: self, entries })
  const chunk = blobNamed(sha256(packed))
  const speaking = (id: typeof job): readonly RecordBody[] => [
    { kind: 'job-submitted', job: jobOf(id, self) },
    { ...planOf(id, 2, 2), blob: blobNamed(`plan of ${id}`) },
    { kind: 'committed', job: id, term, groups: [groupOf(self, chunk, [0, 1], 2)], at: 20 },
    {
      kind: 'charged',
      job: id,
      term,
      charges: [
        {
          miniBatch: 0,
          attempt: 1,
          peer: self,
          cause: 'threw',
          message: `patient-7.png of ${id} is no image.`,
          final: false,
        },
      ],
      at: 30,
    },
    {
      kind: 'job-closed',
      job: id,
      term,
      outcome: 'finished',
      reason: `patient-7.png of ${id} again`,
      at: 60,
    },
    {
      kind: 'job-sealed',
      job: id,
      state: 'Completed',
      headline: `patient-7.png of ${id} is no image.`,
      mapHash: '0'.repeat(64),
      miniBatches: 2,
      rows: 4,
      succeeded: 4,
      failed: 0,
      output: `/out/${id}/patients.csv`,
      at: 70,
    },
  ]
  await say(store, ...speaking(job), ...speaking(other))
  await store.views.keepRows({ chunk, job, peer: self, positions: [0, 1], packed })
  const copy = async (from: typeof store, to: typeof store) => {
    const kinds = []
    for (const segment of await from.ledger.missingFrom(to.ledger.vector(), 1e9))
      kinds.push((await to.ledger.ingest(segment)).kind)
    return kinds
  }
  return {
    self,
    third,
    chunk,
    away,
    say,
    copy,
    file: join(folder.path, 'a', 'muster.db'),
    segments: async (of: typeof store) => of.ledger.missingFrom([], 1e9),
    get store() {
      return store
    },
    reopen: async (more: Parameters<typeof openTestStore>[2] = {}) => {
      await store[Symbol.asyncDispose]()
      store = await openTestStore(join(folder.path, 'a'), keys, more)
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** How many bodies of each kind that goes still stand in the segments of a job. */
const bodiesOf = (segments: readonly Uint8Array[], id: string): readonly string[] =>
  segments.flatMap((bytes) =>
    decodeSegment(bytes).entries.flatMap(({ kind, body }) =>
      body !== null &&
      Buffer.from(body).includes(id) &&
      (forgettableKinds as readonly string[]).includes(kind)
        ? [kind]
        : [],
    ),
  )

describe('a job that was forgotten', () => {
  it('shows who wanted it, when, how it had ended and its numbers; rows, plan, failures and headline are gone', async () => {
    await using t = await setup()
    expect((await t.store.views.rows({ job, limit: 10 })).total).toBe(4)
    const beside = await t.store.views.job(other)
    await t.say(t.store, forgotten)
    const { views } = t.store
    expect(await views.job(job)).toMatchObject({
      items: 4,
      itemsFailed: 1,
      committed: 2,
      rows: 0,
      rowsHere: 0,
      charged: 0,
      closed: null,
      sealed: { state: 'Completed', headline: '', output: '', at: 70 },
      forgotten: { by: t.self, at: 90 },
    })
    expect((await views.rows({ job, limit: 10 })).rows).toEqual([])
    expect(await views.planChunks(job)).toEqual([])
    expect(await views.commits(job)).toEqual([])
    expect(await views.charges(job)).toEqual([])
    expect(await views.missingRows(job)).toEqual([])
    expect(await views.failureGroups(job, 9)).toEqual([])
    expect((await views.openJobs()).map((fold) => fold.job.id)).toEqual([])
    expect(await views.job(other)).toEqual(beside)
  })

  it('leaves its words nowhere in the file, and keeps all headers: chain and signatures hold', async () => {
    await using t = await setup()
    const has = async (words: string) =>
      (
        await Promise.all(['', '-wal'].map((ending) => readFile(t.file + ending).catch(() => '')))
      ).some((bytes) => bytes.includes(words))
    await t.reopen()
    expect(await has('secret words')).toBe(true)
    expect(await has(`patient-7.png of ${job}`)).toBe(true)
    await t.say(t.store, forgotten)
    expect(bodiesOf(await t.segments(t.store), job)).toEqual([])
    expect(bodiesOf(await t.segments(t.store), other).length).toBe(5)
    const chains = await t.store.care.chains(() => {}, signal)
    expect(chains).toMatchObject({ problems: [], records: 14 })
    await t.reopen()
    expect(await has('secret words')).toBe(false)
    expect(await has(`patient-7.png of ${job}`)).toBe(false)
    expect(await has(`patient-7.png of ${other}`)).toBe(true)
  })

  it('stays forgotten after a rebuild and a restart: equal digests', async () => {
    await using t = await setup()
    await t.say(t.store, forgotten)
    const digest = await t.store.views.digest()
    await t.store.views.rebuild()
    expect(await t.store.views.digest()).toBe(digest)
    await t.reopen()
    expect(await t.store.views.digest()).toBe(digest)
    expect((await t.store.care.rebuildCopy(signal)).after).toBe(digest)
  })

  it('is forgotten by a member that was away when it hears of it, and by one that only hears from others', async () => {
    await using t = await setup()
    await t.copy(t.store, t.away)
    const whole = await t.segments(t.away)
    await t.say(t.store, forgotten)
    expect(bodiesOf(await t.segments(t.away), job).length).toBe(5)
    expect(await t.copy(t.store, t.away)).toEqual(['stored'])
    expect(bodiesOf(await t.segments(t.away), job)).toEqual([])
    expect(await t.away.views.digest()).toBe(await t.store.views.digest())
    // What somebody still has whole is known already, and comes back to nobody.
    for (const segment of whole) expect((await t.store.ledger.ingest(segment)).kind).toBe('known')
    expect(bodiesOf(await t.segments(t.store), job)).toEqual([])
  })

  it('is stored without its words where they come after the wish', async () => {
    await using t = await setup()
    const whole = await t.segments(t.store)
    await t.copy(t.store, t.away)
    // The wish of a member whose right to it is not known yet, then of the founder before the job itself.
    await using late = await createTempFolder()
    await using newcomer = await openTestStore(late.path, t.third)
    await newcomer.ledger.adopt(t.store.ledger.cluster()!)
    await t.say(t.away, forgotten)
    const all = await t.segments(t.away)
    const wish = all.find((bytes) => decodeSegment(bytes).entries[0]?.kind === 'job-forgotten')
    for (const segment of [wish!, ...whole.slice(0, 2)]) await newcomer.ledger.ingest(segment)
    expect((await newcomer.views.job(job))?.forgotten).toBeUndefined()
    await t.say(t.store, {
      kind: 'member-added',
      peer: decodeSegment(wish!).origin,
      name: 'n',
      roles: ['admin'],
      clock: 1,
      at: 1,
    })
    for (const segment of [...whole, ...(await t.segments(t.store))])
      await newcomer.ledger.ingest(segment)
    expect((await newcomer.views.job(job))?.forgotten?.at).toBe(90)
    expect(bodiesOf(await t.segments(newcomer), job)).toEqual([])
    const digest = await newcomer.views.digest()
    await newcomer.views.rebuild()
    expect(await newcomer.views.digest()).toBe(digest)
  })

  it('is told with the jobs that have its rows too, which one took over from the other', async () => {
    await using t = await setup()
    const [first, second, third, stranger] = [
      jobNumbered(11),
      jobNumbered(12),
      jobNumbered(13),
      job,
    ]
    const submit = async (id: JobId, more: Partial<PlanChunkWritten>) => {
      const reuse = { key: sha256('same'), take: true, pinned: false }
      const submitted = jobOf(id, t.self, { reuse })
      await t.say(
        t.store,
        { kind: 'job-submitted', job: submitted },
        { ...planOf(id, 2, 2), ...more },
      )
    }
    await submit(first, {})
    await submit(second, { taken: { from: first, miniBatches: 2 } })
    await submit(third, { taken: { from: second, miniBatches: 1 } })
    const of = async (id: JobId) => (await t.store.views.sharedRows(id)).map((shared) => shared.id)
    expect(await of(first)).toEqual([second, third])
    expect(await of(second)).toEqual([first, third])
    expect(await of(stranger)).toEqual([])
  })

  it('is not forgotten because somebody says so who neither submitted it nor is an admin', async () => {
    await using t = await setup()
    await t.copy(t.store, t.away)
    await t.say(t.away, forgotten)
    await t.copy(t.away, t.store)
    expect((await t.store.views.job(job))?.forgotten).toBeUndefined()
    expect((await t.store.views.rows({ job, limit: 10 })).total).toBe(4)
  })

  it('names the blobs that are left to remove, but none that others need', async () => {
    await using t = await setup()
    await t.say(t.store, forgotten)
    const [remains] = await t.store.views.toRemove()
    expect(remains?.job).toBe(job)
    const blobs = new Set(remains?.blobs)
    expect(blobs).toEqual(new Set([t.chunk, blobNamed(`plan of ${job}`)]))
    // The other job's commits name the same chunk here.
    const free = await t.store.views.unnamed([...blobs, blobNamed('model')])
    expect(free).toEqual([blobNamed(`plan of ${job}`)])
    await t.store.views.removed(job)
    expect(await t.store.views.toRemove()).toEqual([])
  })
})

describe('a store that is too large to be written anew at once', () => {
  /** Rows of both jobs come in mixed order, so that they move between pages and leave copies behind. */
  const fill = async (t: Awaited<ReturnType<typeof setup>>): Promise<void> => {
    const { self } = t
    const order = Array.from({ length: 2 * batches }, (_, i) => (i * 17) % (2 * batches))
    for (const at of order) {
      const [id, miniBatch] = [at % 2 === 0 ? job : other, at >> 1]
      const items = Array.from({ length: 150 }, (_, i) => miniBatch * 150 + i)
      const words = id === job ? 'secret' : 'public'
      const entry = {
        miniBatch,
        attempt: 1,
        items,
        lines: linesOf(items.map((item) => JSON.stringify(words.repeat(1 + ((item * 7) % 60))))),
        names: items.map((item) => `${words}-${item}.png`),
        failures: [],
      }
      const packed = packChunk({ job: id, peer: self, entries: [entry] })
      const chunk = blobNamed(sha256(packed))
      const groups = [groupOf(self, chunk, [miniBatch], 150)]
      await t.say(t.store, {
        kind: 'committed',
        job: id,
        term: { number: 1, head: self },
        groups,
        at: 20,
      })
      await t.store.views.keepRows({ chunk, job: id, peer: self, positions: [0], packed })
    }
  }
  const batches = 20

  /** A store whose two jobs have many rows each. */
  const setupLarge = async () => {
    const t = await setup()
    const { self } = t
    for (const id of [job, other])
      await t.say(
        t.store,
        { kind: 'job-submitted', job: jobOf(id, self) },
        { ...planOf(id, batches, 150), blob: blobNamed(`plan of ${id}`) },
      )
    await fill(t)
    return t
  }
  const bytesOf = async (file: string): Promise<Buffer> => {
    const parts = ['', '-wal'].map((ending) => readFile(file + ending).catch(() => Buffer.of()))
    return Buffer.concat(await Promise.all(parts))
  }

  it('loses the words of a forgotten job once nobody asks it, and gives the disk its room back', async () => {
    await using t = await setupLarge()
    await t.reopen({ rewrittenBytes: 0, restMs: 100 })
    const before = (await stat(t.file)).size
    const rows = await t.store.views.rows({ job: other, limit: 100 })
    expect((await bytesOf(t.file)).includes('secret')).toBe(true)
    await t.say(t.store, forgotten)
    await until('its words are gone', async () => !(await bytesOf(t.file)).includes('secret'))
    await until('the file is smaller', async () => (await stat(t.file)).size < 0.75 * before)
    expect(await t.store.views.rows({ job: other, limit: 100 })).toEqual(rows)
    const digest = await t.store.views.digest()
    await t.store.views.rebuild()
    expect(await t.store.views.digest()).toBe(digest)
    expect(await t.store.care.integrity(signal)).toEqual([])
  })

  it('is written to at once while it is written anew, which is begun again after a restart', async () => {
    await using t = await setupLarge()
    await t.reopen({ rewrittenBytes: 0, restMs: 1 })
    await t.say(t.store, forgotten)
    for (let at = 0; at < 4; at++) {
      await t.store.views.setSetting('color', at)
      expect(await t.store.views.setting('color')).toBe(at)
    }
    await t.reopen({ rewrittenBytes: 0, restMs: 1 })
    await until('its words are gone', async () => !(await bytesOf(t.file)).includes('secret'))
    expect(await t.store.views.setting('color')).toBe(3)
    expect(await t.store.care.integrity(signal)).toEqual([])
    // A thread is started for nearly every question.
  }, 120_000)
})
