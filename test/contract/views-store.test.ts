import { describe, expect, it } from 'vitest'
import { MusterFailure } from '#protocol/errors.ts'
import type { ProcessedMiniBatch } from '#protocol/model/attempt-log.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import type { AttemptRows } from '#protocol/model/rows.ts'
import type { Keys } from '#agent/ports/keys.ts'
import type { AttemptPage, RowPage, RowQuery, Views } from '#agent/ports/views.ts'
import type { Store } from '#agent/store/store.ts'
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

/** A founded store with one job of 4 mini-batches of 10 items. */
const setup = async () => {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await createTempFolder())
  const [keys, other] = createTestKeys('mn') as [Keys, Keys]
  let store: Store = await openTestStore(folder.path, keys)
  stack.defer(() => store[Symbol.asyncDispose]())
  await store.ledger.found(genesisOf(keys.self))
  const append = async (...bodies: readonly RecordBody[]) => {
    const added = await store.ledger.append(bodies)
    if (!added.ok) throw new MusterFailure(added.error)
  }
  await append({ kind: 'job-submitted', job: jobOf(job, keys.self) }, planOf(job, 4, 10))
  return {
    keys,
    other,
    folder: folder.path,
    append,
    get store() {
      return store
    },
    get views() {
      return store.views
    },
    reopen: async () => {
      await store[Symbol.asyncDispose]()
      store = await openTestStore(folder.path, keys)
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const commit = (
  head: PeerId,
  chunk: string,
  miniBatches: readonly number[],
  { number = 1, at = 10 }: { readonly number?: number; readonly at?: number } = {},
): RecordBody => ({
  kind: 'committed',
  job,
  term: { number, head },
  groups: [groupOf(head, blobNamed(chunk), miniBatches)],
  at,
})

/** Rows of one mini-batch of 10 items; the last `failed` of them failed. */
const rowsOf = (miniBatch: number, word: string, failed = 0): AttemptRows => {
  const items = Array.from({ length: 10 - failed }, (_, at) => miniBatch * 10 + at)
  return {
    miniBatch,
    attempt: 1,
    items,
    lines: linesOf(items.map((item) => JSON.stringify({ word, item }))),
    names: items.map((item) => `folder/${item}.png`),
    failures: Array.from({ length: failed }, (_, at) => {
      const item = miniBatch * 10 + 10 - failed + at
      return { item, name: `folder/${item}.png`, message: 'It is no image.' }
    }),
  }
}

const keep = async (
  views: Views,
  by: PeerId,
  chunk: string,
  entries: readonly AttemptRows[],
): Promise<void> => {
  const packed = packChunk({ job, peer: by, entries })
  const positions = entries.map((_, position) => position)
  const kept = await views.keepRows({ chunk: blobNamed(chunk), job, peer: by, positions, packed })
  expect(kept).toEqual({ ok: true })
}

const allRows = async (views: Views, query: Partial<RowQuery> = {}): Promise<RowPage['rows']> => {
  const rows: RowPage['rows'][number][] = []
  let after: string | null = null
  do {
    const page: RowPage = await views.rows({
      job,
      limit: 7,
      ...query,
      ...(after === null ? {} : { after }),
    })
    rows.push(...page.rows)
    after = page.next
  } while (after !== null)
  return rows
}

describe('rows', () => {
  it('stand in plan order whatever the order of keeping, and pages join without gap or overlap', async () => {
    await using t = await setup()
    const self = t.keys.self
    await t.append(commit(self, 'one', [3, 1]), commit(self, 'two', [0, 2]))
    await keep(t.views, self, 'two', [rowsOf(0, 'a'), rowsOf(2, 'a')])
    await keep(t.views, self, 'one', [rowsOf(3, 'a'), rowsOf(1, 'a')])
    const rows = await allRows(t.views)
    expect(rows.map(({ item }) => item)).toEqual(Array.from({ length: 40 }, (_, at) => at))
    expect(rows[17]).toEqual({
      item: 17,
      name: 'folder/17.png',
      miniBatch: 1,
      attempt: 1,
      peer: self,
      value: '{"word":"a","item":17}',
      failure: '',
    })
    for (const offset of [0, 1, 10, 39, 40, 1_000]) {
      const page = await t.views.rows({ job, limit: 5, offset })
      expect(page.rows).toEqual(rows.slice(offset, offset + 5))
      expect(page.total).toBe(40)
    }
    expect((await t.views.job(job))?.rowsHere).toBe(40)
    expect(await t.views.missingRows(job)).toEqual([])
    await t.reopen()
    expect(await allRows(t.views)).toEqual(rows)
  })

  it('are told as runs of the peer that committed them', async () => {
    await using t = await setup()
    const [self, other] = [t.keys.self, t.other.self]
    const groups = [
      groupOf(self, blobNamed('one'), [0, 3]),
      groupOf(self, blobNamed('two'), [1]),
      groupOf(other, blobNamed('three'), [2]),
    ]
    await t.append({ kind: 'committed', job, term: { number: 1, head: self }, groups, at: 10 })
    expect(await t.views.commitRuns(job, 0, 4)).toEqual([
      { from: 0, to: 2, peer: self },
      { from: 2, to: 3, peer: other },
      { from: 3, to: 4, peer: self },
    ])
    expect(await t.views.commitRuns(job, 1, 2)).toEqual([{ from: 1, to: 2, peer: self }])
    expect(await t.views.commitRuns(job, 4, 9)).toEqual([])
  })

  it('are found by their words, literally, and failed items are told apart', async () => {
    await using t = await setup()
    await t.append(commit(t.keys.self, 'one', [0, 1]))
    await keep(t.views, t.keys.self, 'one', [rowsOf(0, '50%_\\'), rowsOf(1, 'plain', 3)])
    const items = async (query: Partial<RowQuery>) =>
      (await allRows(t.views, query)).map(({ item }) => item)
    expect(await items({ search: '50%_' })).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await items({ search: '0%%_' })).toEqual([])
    expect(await items({ search: '/15.PNG' })).toEqual([15])
    expect(await items({ search: 'no image' })).toEqual([17, 18, 19])
    expect(await items({ only: 'failures' })).toEqual([17, 18, 19])
    const where = (field: string, equals: string) => items({ where: { field, equals } })
    expect(await where('word', 'plain')).toEqual([10, 11, 12, 13, 14, 15, 16])
    expect(await where('word', 'plai')).toEqual([])
    expect(await where('item', '12')).toEqual([12])
    expect(await where('wo"rd', 'plain')).toEqual([])
    expect(await items({ where: { field: 'word', equals: 'plain' }, search: '/12' })).toEqual([12])
    expect(await items({ only: 'failures', where: { field: '', equals: '' } })).toEqual([])
    expect(await items({ only: 'rows', search: 'plain' })).toEqual([10, 11, 12, 13, 14, 15, 16])
    const page = await t.views.rows({ job, limit: 1, only: 'failures', offset: 1 })
    expect(page).toMatchObject({ total: 3, rows: [{ value: null, failure: 'It is no image.' }] })
    expect((await t.views.rows({ job, limit: 1, search: 'plain' })).total).toBe(7)
    await expect(t.views.rows({ job, limit: 1, after: "0' OR 1" })).rejects.toMatchObject({
      error: { code: 'RequestInvalid' },
    })
    expect(await t.views.failureGroups(job, 5)).toEqual([
      {
        message: 'It is no image.',
        common: 'It is no image.',
        cause: 'item',
        count: 3,
        first: { item: 'folder/17.png', miniBatch: 1, attempt: 1, peer: t.keys.self },
      },
    ])
  })

  it('fail by one cause where sentences differ only in the item they name, in numbers or in paths', async () => {
    await using t = await setup()
    await t.append(commit(t.keys.self, 'one', [0, 1]))
    const rows = rowsOf(0, 'a', 3)
    const failures = rows.failures.map((one, at) => ({
      ...one,
      message: at === 1 ? 'It is no image.' : `${one.name} is no image.`,
    }))
    const more = rowsOf(1, 'a', 3)
    const odd = more.failures.map((one, at) => ({
      ...one,
      message: `/tmp/${at} has ${at + 2} pages.`,
    }))
    await keep(t.views, t.keys.self, 'one', [
      { ...rows, failures },
      { ...more, failures: odd },
    ])
    const groups = await t.views.failureGroups(job, 5)
    expect(groups.map(({ message, count, first }) => [message, count, first.item])).toEqual([
      ['/tmp/0 has 2 pages.', 3, 'folder/17.png'],
      ['folder/7.png is no image.', 2, 'folder/7.png'],
      ['It is no image.', 1, 'folder/8.png'],
    ])
  })

  it('may be several an item, in the order they were returned', async () => {
    await using t = await setup()
    await t.append(commit(t.keys.self, 'one', [0]))
    const rows = {
      ...rowsOf(0, 'x'),
      items: [0, 0, 0, 1],
      lines: linesOf(['1', '2', '3', '4']),
      names: ['a', 'a', 'a', 'b'],
    }
    await keep(t.views, t.keys.self, 'one', [rows])
    expect((await allRows(t.views, { limit: 2 })).map(({ value }) => value)).toEqual([
      '1',
      '2',
      '3',
      '4',
    ])
  })

  it('count once: doubled, unknown and foreign entries change nothing', async () => {
    await using t = await setup()
    const self = t.keys.self
    await t.append(commit(self, 'one', [0, 1]))
    await keep(t.views, self, 'never committed', [rowsOf(0, 'x')])
    await keep(t.views, t.other.self, 'one', [rowsOf(0, 'x')])
    await keep(t.views, self, 'one', [rowsOf(1, 'x'), rowsOf(0, 'x')])
    expect(await t.views.rows({ job, limit: 5 })).toEqual({ rows: [], total: 0, next: null })
    expect(await t.views.missingRows(job)).toEqual([
      { chunk: blobNamed('one'), peer: self, positions: [0, 1] },
    ])
    const twice = [0, 1].map(() => keep(t.views, self, 'one', [rowsOf(0, 'a')]))
    await Promise.all(twice)
    await keep(t.views, self, 'one', [rowsOf(0, 'b'), rowsOf(1, 'b')])
    expect((await allRows(t.views)).map(({ value }) => value?.includes('"a"'))).toEqual(
      Array.from({ length: 20 }, (_, at) => at < 10),
    )
    // A row for an item of another mini-batch is not believed.
    await t.append(commit(self, 'two', [2]))
    await keep(t.views, self, 'two', [
      { ...rowsOf(2, 'c'), items: [0, ...rowsOf(2, 'c').items.slice(1)] },
    ])
    expect((await t.views.rows({ job, limit: 1 })).total).toBe(29)
  })

  it('of a chunk that cannot be read are refused in words, and take no other chunk along', async () => {
    await using t = await setup()
    const self = t.keys.self
    await t.append(commit(self, 'one', [0]), commit(self, 'two', [1]))
    const packed = Buffer.from('no chunk')
    const broken = { chunk: blobNamed('one'), job, peer: self, positions: [0], packed }
    const [refused] = await Promise.all([
      t.views.keepRows(broken),
      keep(t.views, self, 'two', [rowsOf(1, 'a')]),
    ])
    expect(refused).toMatchObject({ ok: false, error: { code: 'MessageInvalid' } })
    expect((await allRows(t.views)).map(({ item }) => item)).toEqual(rowsOf(1, 'a').items)
    expect(await t.views.missingRows(job)).toEqual([
      { chunk: blobNamed('one'), peer: self, positions: [0] },
    ])
  })

  it('stay when an older head turns out to have committed the very same', async () => {
    await using t = await setup()
    const self = t.keys.self
    await t.append(commit(self, 'one', [0, 1], { number: 2 }))
    await keep(t.views, self, 'one', [rowsOf(0, 'a'), rowsOf(1, 'a')])
    const rows = await allRows(t.views)
    await t.append(commit(self, 'one', [0, 1], { number: 1, at: 5 }))
    expect(await t.views.job(job)).toMatchObject({ committed: 2, rowsHere: 20, lastCommitAt: 10 })
    expect(await allRows(t.views)).toEqual(rows)
    expect(await t.views.missingRows(job)).toEqual([])
    await t.views.rebuild()
    expect(await allRows(t.views)).toEqual(rows)
    expect(await t.views.missingRows(job)).toEqual([])
  })

  it('go when an older head turns out to have committed first, and come again', async () => {
    await using t = await setup()
    const self = t.keys.self
    await t.append(commit(self, 'late', [0, 1], { number: 2 }))
    await keep(t.views, self, 'late', [rowsOf(0, 'late', 2), rowsOf(1, 'late')])
    await t.append(
      commit(self, 'early', [1], { number: 1 }),
      commit(self, 'later', [0, 1], { number: 3 }),
    )
    expect(await t.views.missingRows(job)).toEqual([
      { chunk: blobNamed('early'), peer: self, positions: [0] },
    ])
    expect((await t.views.job(job))?.rowsHere).toBe(8)
    expect((await t.views.rows({ job, limit: 1 })).total).toBe(10)
    await t.views.rebuild()
    expect((await t.views.job(job))?.rowsHere).toBe(8)
    await keep(t.views, self, 'late', [rowsOf(0, 'late'), rowsOf(1, 'late')])
    expect((await t.views.job(job))?.rowsHere).toBe(8)
    await keep(t.views, self, 'early', [rowsOf(1, 'early')])
    expect((await allRows(t.views)).filter(({ value }) => value?.includes('early')).length).toBe(10)
    expect(await t.views.missingRows(job)).toEqual([])
  })
})

describe('a job in the views', () => {
  it('sums up what the records say', async () => {
    await using t = await setup()
    const self = t.keys.self
    const charged = (miniBatch: number, attempt: number, final: boolean) => ({
      miniBatch,
      attempt,
      peer: self,
      cause: 'threw' as const,
      message: 'It broke.',
      final,
    })
    const charges = [charged(2, 1, false), charged(2, 2, true), charged(1, 1, true)]
    const term = { number: 1, head: self }
    await t.append(
      commit(self, 'one', [0], { at: 20 }),
      { kind: 'charged', job, term, charges, at: 21 },
      commit(self, 'two', [1], { at: 30 }),
    )
    expect(await t.views.job(job)).toEqual({
      job: jobOf(job, self),
      items: 40,
      miniBatches: 4,
      planComplete: true,
      planFailure: '',
      committed: 2,
      itemsSucceeded: 20,
      itemsFailed: 10,
      rows: 20,
      rowsHere: 0,
      failedMiniBatches: 1,
      charged: 3,
      halvings: 0,
      pausedAt: null,
      pauseClock: 0,
      firstCommitAt: 20,
      lastCommitAt: 30,
      cancelRequestedAt: null,
      closed: null,
      sealed: null,
    })
    expect(await t.views.shares(job)).toEqual([{ peer: self, miniBatches: 2, items: 20 }])
    expect(await t.views.charges(job)).toEqual([charges[2], charges[0], charges[1]])
    expect(await t.views.failureGroups(job, 5)).toEqual([
      {
        message: 'It broke.',
        common: 'It broke.',
        cause: 'threw',
        count: 3,
        first: { item: '', miniBatch: 1, attempt: 1, peer: self },
      },
    ])
    expect((await t.views.commits(job)).map(({ miniBatch, chunk }) => [miniBatch, chunk])).toEqual([
      [0, blobNamed('one')],
      [1, blobNamed('two')],
    ])
  })

  it('has a page of processed mini-batches: commits with when and where they ran, and charges', async () => {
    await using t = await setup()
    const self = t.keys.self
    const term = { number: 1, head: self }
    const ran = { startedAt: 1_700_000_000_123, runMs: 250, process: 3 }
    const charge = { peer: self, cause: 'threw' as const, message: 'It broke.', final: false }
    // Of the second one its worker did not say where it ran.
    const charges = [
      { ...charge, miniBatch: 2, attempt: 1, ran },
      { ...charge, miniBatch: 2, attempt: 2 },
    ]
    const some = { ...groupOf(self, blobNamed('one'), [0, 1]), succeeded: [10, 7], failed: [0, 3] }
    await t.append(
      { kind: 'committed', job, term, groups: [some], at: 10 },
      { kind: 'charged', job, term, charges, at: 21 },
      commit(self, 'far', [3]),
      // The last one; of a mini-batch that counts after all no item failed.
      {
        kind: 'charged',
        job,
        term,
        charges: [2, 3].map((miniBatch) => ({ ...charge, miniBatch, attempt: 3, final: true })),
        at: 22,
      },
    )
    await keep(t.views, self, 'one', [
      { ...rowsOf(0, 'a'), ran },
      { ...rowsOf(1, 'a', 3), ran },
    ])
    await t.reopen()
    const all: ProcessedMiniBatch[] = []
    for (let after: string | null | undefined; after !== null;) {
      const page: AttemptPage = await t.views.attempts({
        job,
        limit: 2,
        ...(after === undefined ? {} : { after }),
      })
      expect(page.attempts.length).toBeLessThanOrEqual(2)
      all.push(...page.attempts)
      after = page.next
    }
    const known = { peer: self, process: 3, startedAt: ran.startedAt, seconds: 0.25, items: 10 }
    const unknown = { peer: self, process: null, startedAt: null, seconds: null, items: 10 }
    const done = { attempt: 1, succeeded: 10, failed: 0, status: 'succeeded', message: '' }
    const charged = { miniBatch: 2, succeeded: 0, failed: 0, status: 'threw', message: 'It broke.' }
    expect(all).toEqual([
      { ...known, ...done, miniBatch: 0 },
      { ...known, ...done, miniBatch: 1, succeeded: 7, failed: 3, message: 'It is no image.' },
      { ...known, ...charged, attempt: 1 },
      { ...unknown, ...charged, attempt: 2 },
      { ...unknown, ...charged, attempt: 3, failed: 10 },
      { ...unknown, ...done, miniBatch: 3 },
      { ...unknown, ...charged, miniBatch: 3, attempt: 3 },
    ])
    await expect(t.views.attempts({ job, limit: 1, after: '1' })).rejects.toMatchObject({
      error: { code: 'RequestInvalid' },
    })
  })

  it('is sealed for good: what the keeper did not know of never counts', async () => {
    await using t = await setup()
    const self = t.keys.self
    await t.append(
      commit(self, 'two', [0, 1], { number: 2 }),
      commit(self, 'one', [0], { number: 1 }),
    )
    const facts = await t.views.sealFacts(job)
    const lines = [`0 ${blobNamed('one')} 0`, `1 ${blobNamed('two')} 1`]
    expect(facts).toMatchObject({
      mapHash: sha256(lines.map((line) => `${line}\n`).join('')),
      miniBatches: 2,
      rows: 20,
      succeeded: 20,
      failed: 0,
    })
    // It lies between reading and sealing, hence behind the seal.
    await t.append(commit(self, 'zero', [0, 1, 2], { number: 0 }))
    const { mapHash, miniBatches, rows, succeeded, failed, upTo } = facts
    const sums = { mapHash, miniBatches, rows, succeeded, failed, upTo }
    const sealed: RecordBody = {
      kind: 'job-sealed',
      job,
      state: 'Completed',
      headline: '',
      output: '',
      at: 50,
      ...sums,
    }
    expect((await t.views.openJobs()).length).toBe(1)
    await t.append(sealed)
    await t.append(commit(self, 'after', [1, 3], { number: 0 }))
    expect((await t.views.sealFacts(job)).mapHash).toBe(mapHash)
    expect(await t.views.job(job)).toMatchObject({ committed: 2, sealed, lastCommitAt: 10 })
    expect(await t.views.openJobs()).toEqual([])
    const digest = await t.views.digest()
    await t.views.rebuild()
    expect(await t.views.digest()).toBe(digest)
  })

  it('is listed newest first and found by the start of its id', async () => {
    await using t = await setup()
    for (const number of [12, 13]) {
      const of = jobOf(jobNumbered(number), t.keys.self, { submittedAt: 5_000 + number })
      await t.append({ kind: 'job-submitted', job: of })
    }
    const ids = (jobs: readonly { readonly job: { readonly id: JobId } }[]) =>
      jobs.map((fold) => fold.job.id)
    expect(ids(await t.views.jobs(2))).toEqual([jobNumbered(13), jobNumbered(12)])
    expect(await t.views.findJobs(jobNumbered(13))).toEqual([jobNumbered(13)])
    expect(await t.views.findJobs('0')).toEqual([jobNumbered(1), jobNumbered(12)])
    expect(await t.views.findJobs('%')).toEqual([])
    expect(await t.views.job(jobNumbered(99))).toBeUndefined()
  })
})

describe('small views', () => {
  it('keep datastores and datasets: the highest version counts, unless it was removed', async () => {
    await using t = await setup()
    const registered = (version: number, name = 'scans') => ({
      name,
      version,
      description: '',
      tags: {},
      registeredBy: t.keys.self,
      registeredAt: 5,
    })
    const datastore = (version: number, path: string): RecordBody => ({
      kind: 'datastore-registered',
      datastore: {
        ...registered(version),
        place: { kind: 'folder', peer: t.keys.self, path },
      },
    })
    const dataset = (version: number): RecordBody => ({
      kind: 'dataset-registered',
      dataset: {
        ...registered(version, 'july'),
        type: 'file',
        source: { kind: 'datastore', datastore: 'scans', path: 'july' },
        patterns: ['*.png'],
        options: {},
      },
    })
    await t.append(datastore(1, '/one'), datastore(2, '/two'), dataset(1), dataset(2))
    expect((await t.views.datastores()).map(({ place }) => place.path)).toEqual(['/two'])
    expect((await t.views.datasets()).map(({ version }) => version)).toEqual([2, 1])
    expect((await t.views.dataset('july'))?.version).toBe(2)
    expect((await t.views.dataset('july', 1))?.version).toBe(1)
    expect(await t.views.dataset('august')).toBeUndefined()

    await t.append({ kind: 'datastore-removed', name: 'scans', version: 2, at: 9 })
    expect(await t.views.datastores()).toEqual([])
    expect(await t.views.highestVersion('datastore', 'scans')).toBe(2)
    await t.append(datastore(3, '/three'))
    expect((await t.views.datastores()).map(({ place }) => place.path)).toEqual(['/three'])
    expect(await t.views.highestVersion('dataset', 'scans')).toBe(0)
  })

  it('keep settings and models over a restart', async () => {
    await using t = await setup()
    const model = (version: number, registeredAt: number): RecordBody => ({
      kind: 'model-registered',
      model: {
        name: 'mnist',
        version,
        files: [{ path: 'm.onnx', blob: blobNamed('m'), bytes: 1 }],
        description: `registered at ${registeredAt}`,
        tags: { of: 'digits' },
        facts: { inputs: [], outputs: [], opset: 17, producer: '', parameters: 0, bytes: 1 },
        registeredBy: t.keys.self,
        registeredAt,
      },
    })
    await t.append(model(1, 5), model(2, 9), model(2, 7), model(2, 8))
    await t.views.setSetting('port', { port: 4_001 })
    await t.views.setSetting('port', { port: 4_002 })
    await t.reopen()
    expect(await t.views.setting('port')).toEqual({ port: 4_002 })
    expect(await t.views.setting('nothing')).toBeUndefined()
    expect((await t.views.models()).map(({ version }) => version)).toEqual([2, 1])
    // The first to be registered keeps the number.
    expect(await t.views.model('mnist')).toMatchObject({
      description: 'registered at 7',
      tags: { of: 'digits' },
    })
    expect((await t.views.model('mnist', 1))?.version).toBe(1)
    expect(await t.views.model('mnist', 3)).toBeUndefined()
  })
})
