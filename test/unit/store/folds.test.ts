import Database from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createJobFolds } from '#agent/ledger/fold.ts'
import type { JobFolds } from '#agent/ledger/fold.ts'
import { createLedgerRules } from '#agent/ledger/rules.ts'
import { createFolder } from '#agent/store/fold/fold.ts'
import { createRanks } from '#agent/store/fold/ranks.ts'
import { createStoredBodies } from '#agent/store/fold/stored-bodies.ts'
import { createNames } from '#agent/store/names.ts'
import { createCommitQueries } from '#agent/store/queries/commits.ts'
import { createDigest } from '#agent/store/queries/digest.ts'
import { createJobQueries } from '#agent/store/queries/jobs.ts'
import { createSmallQueries } from '#agent/store/queries/models.ts'
import { migrate } from '#agent/store/sql/migrations.ts'
import { createRowStore } from '#agent/store/write/rows.ts'
import { createSegmentWriter } from '#agent/store/write/segments.ts'
import type { RecordHash } from '#protocol/model/ids.ts'
import { histories, historyCluster, historyJobs, historyKeys } from '#test/support/histories.ts'

/** The folding tables in memory, without threads, so that thousands of histories can be tried. */
const foldAll = (segments: readonly Uint8Array[]) => {
  const db = new Database(':memory:')
  migrate(db, ':memory:')
  const names = createNames(db)
  const [rows, ranks, bodies] = [createRowStore(db, names), createRanks(db), createStoredBodies(db)]
  const folder = createFolder(db, { names, rows, ranks, bodies })
  const write = createSegmentWriter(db, folder)
  const rules = createLedgerRules(historyKeys[0]!)
  const hashes = new Map<string, RecordHash[]>()
  for (const bytes of segments) {
    const segment = rules.open(bytes)
    if (!segment.ok) throw new Error(segment.error.detail)
    const held = hashes.get(segment.value.origin) ?? []
    hashes.set(segment.value.origin, held)
    const verdict = rules.check(
      historyCluster,
      {
        incarnation: 0,
        sequence: held.length - 1,
        hash: held.at(-1) ?? '',
        hashAt: (sequence) => held[sequence],
      },
      { bytes, segment: segment.value },
    )
    if (verdict.kind === 'fresh') {
      write(verdict.segment)
      held.push(...verdict.segment.records.map(({ hash }) => hash))
    } else expect(verdict.kind).toBe('known')
  }
  const jobs = createJobQueries(db)
  const commits = createCommitQueries(db)
  const { models } = createSmallQueries(db)
  return { jobs, commits, models, refold: folder.refold, digest: createDigest(db) }
}

const ofStore = (store: ReturnType<typeof foldAll>) =>
  historyJobs.map((job) => {
    const fold = store.jobs.job(job)
    const missing = store.commits.missingRows(job).map(({ chunk, peer }) => `${peer} ${chunk}`)
    const wanted = new Set(missing)
    const facts = store.commits.sealFacts(job)
    const sums = [facts.miniBatches, facts.rows, facts.succeeded, facts.failed]
    const [charges, plan] = [store.commits.charges(job), store.jobs.planChunks(job)]
    return { fold, sums, charges, plan, wanted }
  })

const ofFolds = (folds: JobFolds) =>
  historyJobs.map((job) => {
    const commits = folds.commits(job)
    const sum = (of: (commit: (typeof commits)[number]) => number) =>
      commits.reduce((total, commit) => total + of(commit), 0)
    const sums = [commits.length, sum((c) => c.rows), sum((c) => c.succeeded), sum((c) => c.failed)]
    const known = folds.job(job)
    const wanted = new Set(commits.map(({ chunk, peer }) => `${peer} ${chunk}`))
    const fold = known === undefined ? undefined : { ...known, rowsHere: 0 }
    return { fold, sums, charges: folds.charges(job), plan: folds.planChunks(job), wanted }
  })

describe('folding in SQL', () => {
  it('agrees with itself in any order, and with the fold in memory', () => {
    fc.assert(
      fc.property(histories, ({ records, deliveries }) => {
        const [one, two] = deliveries.map(foldAll) as [
          ReturnType<typeof foldAll>,
          ReturnType<typeof foldAll>,
        ]
        const digest = one.digest()
        expect(two.digest()).toBe(digest)
        two.refold()
        expect(two.digest()).toBe(digest)
        const folds = createJobFolds()
        for (const record of records) folds.add(record)
        expect(ofStore(one)).toEqual(ofFolds(folds))
        expect(one.models()).toEqual(two.models())
      }),
      { numRuns: Number(process.env['MUSTER_RUNS'] ?? 300) },
    )
  }, 120_000)
})
