import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createBlobs } from '#agent/data/blobs/blobs.ts'
import { createChunks } from '#agent/data/blobs/chunks.ts'
import { createPacks } from '#agent/data/blobs/packs.ts'
import { createPlanReader } from '#agent/data/plan/plan-reader.ts'
import { createKeeper } from '#agent/effects/keeper/keeper.ts'
import type { KeeperDeps } from '#agent/effects/keeper/keeper.ts'
import { createSystemClock } from '#agent/host/system-clock.ts'
import type { Keys } from '#agent/ports/keys.ts'
import type { SealFacts } from '#agent/ports/views.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import type { BlobHash, PeerId } from '#protocol/model/ids.ts'
import type { JobSealed, RecordBody } from '#protocol/model/record.ts'
import type { AttemptRows, ChunkRows } from '#protocol/model/rows.ts'
import { err, ok } from '#protocol/model/result.ts'
import { until } from '../../tools/agents.ts'
import { linesOf } from '../support/chunks.ts'
import {
  createTempFolder,
  createTestKeys,
  genesisOf,
  groupOf,
  jobNumbered,
  jobOf,
  openTestStore,
  planOf,
  quietLog,
} from '../support/ledger-fixtures.ts'

const job = jobNumbered(1)

const rowsOf = (miniBatch: number, word: string): AttemptRows => ({
  miniBatch,
  attempt: 1,
  items: [miniBatch],
  lines: linesOf([JSON.stringify(word)]),
  names: [`${miniBatch}.png`],
  failures: [],
})

/** A disk on which agents live one after the other: each keeper is one of them, killed where the test leaves it. */
const setup = async () => {
  const stack = new AsyncDisposableStack()
  const { path } = stack.use(await createTempFolder())
  const [keys, others] = createTestKeys('mn') as [Keys, Keys]
  const { self } = keys
  const { ledger, views } = stack.use(await openTestStore(join(path, 'a'), keys))
  const away = stack.use(await openTestStore(join(path, 'b'), others))
  const founded = await ledger.found(genesisOf(self))
  if (!founded.ok) throw new MusterFailure(founded.error)
  await away.ledger.adopt(founded.value)
  const blobs = createBlobs({ folder: join(path, 'blobs') })
  return {
    self,
    views,
    blobs,
    append: async (...bodies: readonly RecordBody[]) => {
      expect(await ledger.append(bodies)).toMatchObject({ ok: true })
    },
    /** What the other machine says. */
    hear: async (body: RecordBody) => {
      const said = await away.ledger.append([body])
      if (!said.ok) throw new MusterFailure(said.error)
      for (const { segment } of said.value) await ledger.ingest(segment)
    },
    other: others.self,
    /** What an agent that starts on this disk has. */
    start: (more: Partial<KeeperDeps> = {}) => {
      const chunks = createChunks({ blobs, notes: join(path, 'chunks') })
      const packs = createPacks(join(path, 'packs'), blobs)
      const keeper = stack.use(
        createKeeper({
          self,
          clock: createSystemClock(),
          log: quietLog,
          ledger,
          views,
          blobs,
          chunks,
          packs,
          planReader: createPlanReader({ blobs, planChunks: views.planChunks }),
          exchange: { fetch: async () => ok(undefined) },
          writer: {
            write: async () => ok({ path: '/out', rows: 0, bytes: 0 }),
            writeFiles: async () => ok({ folder: '', count: 0, bytes: 0, note: '' }),
            checkFree: async () => ok(undefined),
            [Symbol.asyncDispose]: async () => undefined,
          },
          policy: () => ({ rows: 'all', quotaBytes: 1e9 }),
          outputFolder: () => path,
          verdict: () => ({ state: 'Completed', headline: '', writeOutput: true }),
          nameOf: (peer: PeerId) => peer,
          ended: () => undefined,
          otherHolders: () => [],
          ...more,
        }),
      )
      return { chunks, packs, keeper }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const chunkOf = (peer: PeerId, word: string): ChunkRows => ({
  job,
  peer,
  entries: [rowsOf(0, word)],
})

const sealedOf = ({ mapHash, upTo }: SealFacts): JobSealed => ({
  kind: 'job-sealed',
  job,
  state: 'Completed',
  headline: '',
  mapHash,
  upTo,
  miniBatches: 1,
  rows: 1,
  succeeded: 1,
  failed: 0,
  output: '',
  at: 70,
})

const packed = async (chunks: ReturnType<typeof createChunks>, chunk: ChunkRows) => {
  const blob = await chunks.pack(chunk)
  if (!blob.ok) throw new Error(blob.error.message)
  return blob.value
}

const committed = (peer: PeerId, chunk: BlobHash): RecordBody => ({
  kind: 'committed',
  job,
  term: { number: 2, head: peer },
  groups: [groupOf(peer, chunk, [0], 1)],
  at: 10,
})

describe('an agent that was killed', () => {
  it('fetches rows of another keeper at its next start, and then leaves no chunk', async () => {
    await using t = await setup()
    const away: KeeperDeps['exchange'] = {
      fetch: async () => err(musterError('BlobMissing', 'Nobody is there.')),
    }
    const first = t.start({ exchange: away })
    const chunk = await packed(first.chunks, chunkOf(t.self, 'counts'))
    const lost = await packed(first.chunks, chunkOf(t.self, 'came too late'))
    await t.append(
      { kind: 'job-submitted', job: jobOf(job, t.self, { keeper: t.other }) },
      planOf(job, 1, 1),
      committed(t.self, chunk),
    )
    await t.hear(sealedOf(await t.views.sealFacts(job)))
    first.keeper.jobTouched(job)
    await until('it waits for the rows', async () => first.keeper.waitsFor(job).length === 1)
    await first.keeper[Symbol.asyncDispose]()

    const { chunks, keeper } = t.start()
    for (const one of await chunks.jobs()) keeper.jobTouched(one)
    await until('the job is settled', async () => (await chunks.jobs()).length === 0)
    expect((await t.views.job(job))?.rowsHere).toBe(1)
    for (const blob of [chunk, lost]) expect(await t.blobs.has(blob)).toBe(false)
  })

  it('leaves no chunk of a job that it keeps but those that count', async () => {
    await using t = await setup()
    const first = t.start()
    const counts = await packed(first.chunks, chunkOf(t.self, 'counts'))
    const late = await packed(first.chunks, chunkOf(t.self, 'came too late'))
    await t.append(
      { kind: 'job-submitted', job: jobOf(job, t.self) },
      planOf(job, 1, 1),
      committed(t.self, counts),
    )
    await t.append(sealedOf(await t.views.sealFacts(job)))
    const { chunks, keeper } = t.start()
    for (const one of await chunks.jobs()) keeper.jobTouched(one)
    await until('the job is settled', async () => (await chunks.jobs()).length === 0)
    expect(await t.blobs.has(late)).toBe(false)
    expect(await t.blobs.has(counts)).toBe(true)
    expect((await t.views.job(job))?.rowsHere).toBe(1)
    // An attempt that ends after its job.
    const after = await packed(chunks, chunkOf(t.self, 'even later'))
    expect(await t.blobs.has(after)).toBe(false)
    expect(await chunks.jobs()).toEqual([])
  })

  it('looks again at a job that a full disk kept it from', async () => {
    await using t = await setup()
    let isFull = true
    const { chunks, packs } = t.start()
    const { keeper } = t.start({
      packs: {
        ...packs,
        drop: async (one) => {
          if (isFull) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
          await packs.drop(one)
        },
      },
    })
    const chunk = await packed(chunks, chunkOf(t.self, 'counts'))
    await t.append(
      { kind: 'job-submitted', job: jobOf(job, t.self) },
      planOf(job, 1, 1),
      committed(t.self, chunk),
    )
    await t.append(sealedOf(await t.views.sealFacts(job)))
    keeper.jobTouched(job)
    await until('it says so', async () => keeper.problemOf(job).includes('no space left'))
    isFull = false
    await until('the job is settled', async () => (await chunks.jobs()).length === 0)
  })
})
