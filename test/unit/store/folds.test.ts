import { isForgettable } from '#protocol/model/forgettable.ts'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createJobFolds } from '#agent/ledger/fold.ts'
import type { JobFolds } from '#agent/ledger/fold.ts'
import { byRank } from '#agent/ledger/rank.ts'
import { createLedgerRules } from '#agent/ledger/rules.ts'
import { createFolder } from '#agent/store/fold/fold.ts'
import { createRanks } from '#agent/store/fold/ranks.ts'
import { createStoredBodies } from '#agent/store/fold/stored-bodies.ts'
import { createNames } from '#agent/store/names.ts'
import { createCommitQueries } from '#agent/store/queries/commits.ts'
import { createDigest } from '#agent/store/queries/digest.ts'
import { createJobQueries } from '#agent/store/queries/jobs.ts'
import { createSmallQueries } from '#agent/store/queries/models.ts'
import { createPipelineQueries } from '#agent/store/queries/pipelines.ts'
import { createRegistryQueries } from '#agent/store/queries/registry.ts'
import { migrate } from '#agent/store/sql/migrations.ts'
import { createForgottenRows } from '#agent/store/write/forgotten-rows.ts'
import { createPruner } from '#agent/store/write/prune.ts'
import { createRowStore } from '#agent/store/write/rows.ts'
import type { RowStore } from '#agent/store/write/rows.ts'
import { createSegmentWriter } from '#agent/store/write/segments.ts'
import { decodeRecordBody } from '#protocol/wire/ledger/records.ts'
import { decodeSegment } from '#protocol/wire/ledger/segment.ts'
import type { PipelineFold, ScheduleFold } from '#protocol/model/fold.ts'
import type { RecordHash } from '#protocol/model/ids.ts'
import type { Schedule } from '#protocol/model/pipeline.ts'
import type { VerifiedRecord } from '#protocol/model/segment.ts'
import type { ReadRows } from '#protocol/model/rows.ts'
import type { Datastore } from '#protocol/model/registry.ts'
import { histories, historyCluster, historyJobs, historyKeys } from '#test/support/histories.ts'

/** The folding tables in memory, without threads, so that thousands of histories can be tried. */
const foldAll = (
  segments: readonly Uint8Array[],
  between: (rows: RowStore, turn: number) => void = () => undefined,
) => {
  const db = new Database(':memory:')
  migrate(db, ':memory:')
  const names = createNames(db)
  const [rows, ranks, bodies] = [createRowStore(db, names), createRanks(db), createStoredBodies(db)]
  const pruner = createPruner(db)
  const forgottenRows = createForgottenRows(db)
  const folder = createFolder(db, { names, rows, ranks, bodies, pruner, forgottenRows })
  const write = createSegmentWriter(db, folder)
  const rules = createLedgerRules(historyKeys[0]!)
  const hashes = new Map<string, RecordHash[]>()
  for (const [turn, bytes] of segments.entries()) {
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
    between(rows, turn)
  }
  const jobs = createJobQueries(db)
  const commits = createCommitQueries(db)
  const { models } = createSmallQueries(db)
  const registry = createRegistryQueries(db)
  const pipelines = createPipelineQueries(db)
  const { refold } = folder
  return { db, jobs, commits, models, registry, pipelines, refold, digest: createDigest(db) }
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

/** The rule in its plainest form: of each number the first, of each name the highest, if it is not gone. */
const datastoresOf = (records: readonly VerifiedRecord[]): readonly Datastore[] => {
  const registered = records
    .flatMap(({ header, body }) =>
      body?.kind === 'datastore-registered' && body.datastore.registeredBy === header.origin
        ? [{ header, datastore: body.datastore }]
        : [],
    )
    .toSorted((a, b) => a.datastore.registeredAt - b.datastore.registeredAt || byRank(a, b))
  const gone = records.flatMap(({ body }) => (body?.kind === 'datastore-removed' ? [body] : []))
  return ['store 0', 'store 1'].flatMap((name) => {
    const all = registered.filter(({ datastore }) => datastore.name === name)
    const highest = Math.max(0, ...all.map(({ datastore }) => datastore.version))
    const counts = all.find(({ datastore }) => datastore.version === highest)
    const isGone = gone.some((one) => one.name === name && one.version >= highest)
    return counts === undefined || isGone ? [] : [counts.datastore]
  })
}

/** What anybody may say of a run. */
const freeKinds = ['pipeline-cancel-requested', 'pipeline-pause-changed']

/** Of ranked words the last with the highest clock. */
const lastPause = (
  words: readonly { readonly clock: number; readonly paused: boolean; readonly at: number }[],
) => {
  const pauseClock = Math.max(0, ...words.map(({ clock }) => clock))
  const last = words.findLast(({ clock }) => clock === pauseClock)
  return { pausedAt: last?.paused === true ? last.at : null, pauseClock }
}

/** The runs in their plainest form: the first submission of each, and the first of what its submitter said. */
const runsOf = (records: readonly VerifiedRecord[]): readonly PipelineFold[] => {
  const ranked = records.toSorted(byRank)
  const submitted = ranked
    .flatMap(({ header, body }) =>
      body?.kind === 'pipeline-submitted' && body.run.submitter === header.origin ? [body.run] : [],
    )
    .toSorted((a, b) => a.submittedAt - b.submittedAt)
  const firsts = [...Map.groupBy(submitted, ({ id }) => id).values()].flatMap(([run]) => run ?? [])
  const folds = firsts.map((run): PipelineFold => {
    const said = ranked.flatMap(({ header, body }) => {
      if (body === undefined || !('pipeline' in body) || body.pipeline !== run.id) return []
      const isFree = freeKinds.includes(body.kind)
      return isFree || header.origin === run.submitter ? [body] : []
    })
    const canceled = said.flatMap((one) => (one.kind === 'pipeline-cancel-requested' ? one.at : []))
    const steps = ['find', 'sort'].flatMap(
      (name) => said.find((one) => one.kind === 'pipeline-step-skipped' && one.step === name) ?? [],
    )
    return {
      run,
      jobs: [],
      skipped: steps.filter((one) => one.kind === 'pipeline-step-skipped'),
      cancelRequestedAt: canceled.length === 0 ? null : Math.min(...canceled),
      ...lastPause(said.filter((one) => one.kind === 'pipeline-pause-changed')),
      ended: said.find((one) => one.kind === 'pipeline-ended') ?? null,
    }
  })
  return folds.toSorted(
    (a, b) => b.run.submittedAt - a.run.submittedAt || (a.run.id < b.run.id ? 1 : -1),
  )
}

/** Of each submitter's schedules of a name the newest, if it was not removed. */
const schedulesOf = (records: readonly VerifiedRecord[]): readonly ScheduleFold[] => {
  const ranked = records.toSorted(byRank)
  const set = ranked.flatMap(({ header, body }) =>
    body?.kind === 'schedule-set' && body.schedule.submitter === header.origin
      ? [body.schedule]
      : [],
  )
  // One id is one schedule of one submitter, who may say it twice: the first counts.
  const firsts = set.filter(
    (one, i) =>
      set.findIndex(({ id, submitter }) => id === one.id && submitter === one.submitter) === i,
  )
  const here = firsts.filter(
    ({ id, submitter }) =>
      !ranked.some(
        ({ header, body }) =>
          body?.kind === 'schedule-removed' && body.schedule === id && header.origin === submitter,
      ),
  )
  const newest = new Map<string, Schedule>()
  for (const one of here.toSorted((a, b) => a.setAt - b.setAt || (a.id < b.id ? -1 : 1)))
    newest.set(one.submitter, one)
  return [...newest.values()]
    .toSorted((a, b) => (a.submitter < b.submitter ? -1 : 1))
    .map((schedule) => ({
      schedule,
      ...lastPause(
        ranked.flatMap(({ header, body }) =>
          body?.kind === 'schedule-pause-changed' &&
          body.schedule === schedule.id &&
          header.origin === schedule.submitter
            ? [body]
            : [],
        ),
      ),
    }))
}

describe('folding in SQL', () => {
  it('agrees with itself in any order, and with the fold in memory', () => {
    fc.assert(
      fc.property(histories, ({ records, deliveries }) => {
        const [one, two] = deliveries.map((segments) => foldAll(segments)) as [
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
        expect(one.registry.datastores()).toEqual(two.registry.datastores())
        expect(one.registry.datasets()).toEqual(two.registry.datasets())
        expect(one.registry.datastores()).toEqual(datastoresOf(records))
        const runs = one.pipelines.pipelines({ limit: 10 })
        expect(runs).toEqual(two.pipelines.pipelines({ limit: 10 }))
        expect(runs).toEqual(runsOf(records))
        expect(one.pipelines.schedules()).toEqual(two.pipelines.schedules())
        expect(one.pipelines.schedules()).toEqual(schedulesOf(records))
      }),
      { numRuns: Number(process.env['MUSTER_RUNS'] ?? 150) },
    )
  }, 120_000)
})

/** Segments as they stand in the store now, in order of storing. */
const storedSegments = ({ db }: ReturnType<typeof foldAll>): readonly Uint8Array[] =>
  db.prepare<[], Uint8Array>('SELECT bytes FROM segment ORDER BY id').pluck().all()

describe('forgotten jobs in SQL', () => {
  it('leave no body that speaks of them, whatever came when; what is passed on gives the same tables', () => {
    fc.assert(
      fc.property(histories, ({ records, deliveries }) => {
        const store = foldAll(deliveries[0])
        const segments = storedSegments(store)
        const folds = createJobFolds()
        for (const record of records) folds.add(record)
        const gone = historyJobs.filter((job) => folds.job(job)?.forgotten !== undefined)
        for (const { kind, body } of segments.flatMap((bytes) => decodeSegment(bytes).entries)) {
          const said = body === null ? undefined : decodeRecordBody(kind, body)
          if (said !== undefined && isForgettable(said)) expect(gone).not.toContain(said.job)
        }
        // Somebody who only ever hears from this store.
        const next = foldAll(segments)
        expect(next.digest()).toBe(store.digest())
        expect(ofStore(next)).toEqual(ofStore(store))
        next.refold()
        expect(next.digest()).toBe(store.digest())
        // Somebody who has all of it whole, and hears of what is pruned again.
        const whole = foldAll([...deliveries[1], ...segments])
        expect(whole.digest()).toBe(store.digest())
      }),
      { numRuns: Number(process.env['MUSTER_RUNS'] ?? 150) },
    )
  }, 120_000)
})

/** The chunks of every commit of a history, group by group, each mini-batch with two rows and a failure. */
const chunksOf = (records: readonly VerifiedRecord[]) =>
  records.flatMap(({ body }) =>
    body?.kind !== 'committed'
      ? []
      : body.groups.map(({ chunk, peer, miniBatches, positions }) => {
          const entries: ReadRows[] = []
          for (const [at, miniBatch] of miniBatches.entries()) {
            const item = (miniBatch % 1_024) * 700
            entries[positions[at] ?? 0] = {
              miniBatch,
              attempt: 1,
              items: [item, item + 1],
              names: ['x', 'y'],
              rows: ['1', '2'],
              failures: [{ item, name: 'x', message: 'No.' }],
            }
          }
          return { wanted: { chunk, job: body.job, peer, positions }, unpacked: { entries } }
        }),
  )

/** What must hold between the tables of rows and those of commits; each query finds what breaks it. */
const broken: readonly string[] = [
  `SELECT * FROM counted_commit AS c WHERE kept <> EXISTS (SELECT 1 FROM kept AS k
     WHERE k.job = c.job AND k.mini_batch = c.mini_batch AND k.chunk = c.chunk AND k.position = c.position)`,
  `SELECT * FROM kept AS k WHERE NOT EXISTS (SELECT 1 FROM counted_commit AS c
     WHERE k.job = c.job AND k.mini_batch = c.mini_batch AND k.chunk = c.chunk AND k.position = c.position)`,
  `SELECT * FROM row WHERE NOT EXISTS (SELECT 1 FROM kept
     WHERE kept.job = row.job AND kept.mini_batch = row.mini_batch
       AND row.item BETWEEN kept.first_item AND kept.last_item)`,
  `SELECT job, chunk, count(*) AS n FROM counted_commit WHERE kept = 0 GROUP BY job, chunk
   EXCEPT SELECT job, chunk, missing FROM wanted_chunk`,
  `SELECT job, chunk, missing FROM wanted_chunk WHERE missing <> 0
   EXCEPT SELECT job, chunk, count(*) FROM counted_commit WHERE kept = 0 GROUP BY job, chunk`,
  `SELECT c.* FROM counted_commit AS c JOIN wanted_chunk AS w USING (job, chunk)
   WHERE kept = 0 AND mini_batch NOT BETWEEN first_mini_batch AND last_mini_batch`,
  `SELECT job, item >> 10, count(value), count(*) - count(value) FROM row GROUP BY 1, 2
   EXCEPT SELECT job, bucket, rows, failures FROM row_bucket`,
  `SELECT job, bucket, rows, failures FROM row_bucket WHERE rows <> 0 OR failures <> 0
   EXCEPT SELECT job, item >> 10, count(value), count(*) - count(value) FROM row GROUP BY 1, 2`,
]

describe('rows among commits that come and go', () => {
  it('are always of counted commits, counted rightly, and what is missing is named', () => {
    const turns = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(histories, turns, ({ records, deliveries }, picks) => {
        const chunks = chunksOf(records)
        const keepSome = (rows: RowStore, turn: number): void => {
          const some = chunks[(picks[turn % picks.length] ?? 0) % Math.max(1, chunks.length)]
          if (some !== undefined) rows.keep(some.wanted, some.unpacked)
        }
        const store = foldAll(deliveries[0], keepSome)
        const check = () => {
          for (const query of broken) expect(store.db.prepare(query).all(), query).toEqual([])
          const places = historyJobs.flatMap((job) =>
            store.commits
              .missingRows(job)
              .flatMap(({ chunk, positions }) =>
                positions.map((position) => `${job} ${chunk} ${position}`),
              ),
          )
          const missing = store.db
            .prepare<[], string>(
              `SELECT job.name || ' ' || lower(hex(hash)) || ' ' || position
               FROM counted_commit AS c JOIN job ON job.id = c.job JOIN chunk ON chunk.id = c.chunk
               WHERE kept = 0`,
            )
            .pluck()
            .all()
          expect(places.sort()).toEqual(missing.sort())
        }
        check()
        store.refold()
        check()
      }),
      { numRuns: Number(process.env['MUSTER_RUNS'] ?? 120) },
    )
  }, 120_000)
})
