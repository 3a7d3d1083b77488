import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createJobFolds } from '#agent/ledger/fold.ts'
import type { JobFolds } from '#agent/ledger/fold.ts'
import type { Views } from '#agent/ports/views.ts'
import type { JobId } from '#protocol/model/ids.ts'
import { createTempFolder, createTestKeys, openTestStore } from '../support/ledger-fixtures.ts'
import { histories, historyCluster, historyJobs, historyKeys } from '../support/histories.ts'

/** A store that took the segments in the given order; what others wrote is verified with their keys. */
const openWith = async (segments: readonly Uint8Array[]) => {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await createTempFolder())
  const [own] = createTestKeys('q')
  const keys = { ...historyKeys[0]!, self: own!.self, sign: own!.sign }
  const { ledger, views } = stack.use(await openTestStore(folder.path, keys))
  await ledger.adopt(historyCluster)
  const outcomes = await Promise.all(segments.map((segment) => ledger.ingest(segment)))
  for (const outcome of outcomes) expect(['stored', 'known']).toContain(outcome.kind)
  return { views, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const ofStore = async (views: Views, job: JobId) => {
  const fold = await views.job(job)
  const { rowsHere, ...rest } = fold ?? { rowsHere: 0 }
  expect(rowsHere).toBe(0)
  return {
    fold: fold === undefined ? undefined : rest,
    commits: await views.commits(job),
    charges: await views.charges(job),
    planChunks: await views.planChunks(job),
    mapHash: (await views.sealFacts(job)).mapHash,
    missing: (await views.missingRows(job)).flatMap(({ positions }) => positions).length,
    wanted: new Set((await views.missingRows(job)).map(({ chunk, peer }) => `${peer} ${chunk}`)),
    shares: new Map((await views.shares(job)).map(({ peer, ...share }) => [peer, share])),
  }
}

const ofFolds = (folds: JobFolds, job: JobId): Awaited<ReturnType<typeof ofStore>> => {
  const commits = folds.commits(job)
  const hash = createHash('sha256')
  const shares = new Map<(typeof commits)[number]['peer'], { miniBatches: number; items: number }>()
  for (const { miniBatch, chunk, position, peer, succeeded, failed } of commits) {
    hash.update(`${miniBatch} ${chunk} ${position}\n`)
    const share = shares.get(peer) ?? { miniBatches: 0, items: 0 }
    share.miniBatches += 1
    share.items += succeeded + failed
    shares.set(peer, share)
  }
  return {
    fold: folds.job(job),
    commits,
    charges: folds.charges(job),
    planChunks: folds.planChunks(job),
    mapHash: hash.digest('hex'),
    missing: commits.length,
    wanted: new Set(commits.map(({ chunk, peer }) => `${peer} ${chunk}`)),
    shares,
  }
}

describe('views of the same records', () => {
  it('are the same in any order, doubled or not, however cut, also after a rebuild', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async ({ records, deliveries }) => {
        await using one = await openWith(deliveries[0])
        await using two = await openWith(deliveries[1])
        const digest = await one.views.digest()
        expect(await two.views.digest()).toBe(digest)
        await two.views.rebuild()
        expect(await two.views.digest()).toBe(digest)

        const folds = createJobFolds()
        for (const record of records) folds.add(record)
        for (const job of historyJobs) {
          expect(await ofStore(one.views, job)).toEqual(ofFolds(folds, job))
        }
        const jobs = (await one.views.jobs(10)).map(({ job }) => job.id)
        expect(jobs).toEqual(folds.jobs().map(({ job }) => job.id))
        expect(await one.views.models()).toEqual(await two.views.models())
      }),
      { numRuns: Number(process.env['MUSTER_RUNS'] ?? 4) },
    )
  }, 120_000)
})
