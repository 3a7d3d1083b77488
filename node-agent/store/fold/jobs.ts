import type { JobForgotten } from '#protocol/model/forgotten.ts'
import type {
  Charged,
  Committed,
  JobPauseChanged,
  MiniBatchesHalved,
  PlanChunkWritten,
  RecordBody,
} from '#protocol/model/record.ts'
import { assertNever } from '#protocol/model/assert-never.ts'
import type { Db } from '../database.ts'
import type { Names } from '../names.ts'
import type { ForgottenRows } from '../write/forgotten-rows.ts'
import type { Pruner } from '../write/prune.ts'
import type { RowStore } from '../write/rows.ts'
import { createCommitFold } from './commits.ts'
import type { CommitFold } from './commits.ts'
import type { Ranks, StoredRecord } from './ranks.ts'
import { comparePlaces } from './ranks.ts'
import { createCoverage, createSeals } from './seals.ts'
import type { Seals } from './seals.ts'
import type { StoredBodies } from './stored-bodies.ts'

/** The records that speak of one job. */
export type JobRecordBody = Exclude<Extract<RecordBody, { readonly job: unknown }>, JobForgotten>

/** Folds what records say of jobs. Every rule gives the same tables for any order of the same records. */
export type JobFoldWriter = (record: StoredRecord, body: JobRecordBody) => void

export interface FoldDeps {
  readonly names: Names
  readonly ranks: Ranks
  readonly rows: RowStore
  readonly bodies: StoredBodies
  readonly pruner: Pruner
  readonly forgottenRows: ForgottenRows
}

export const createJobFold = (db: Db, deps: FoldDeps): JobFoldWriter => {
  const { names } = deps
  const facts = createJobFacts(db, deps)
  const commits = createCommitFold(db, deps)
  const seals = createSeals(db)
  const addRecord = createHeadRecord(db, seals)
  const losses = createLosses(db, names)
  const countAgain = createCountAgain(db, deps, { seals, commits })

  return (record, body) => {
    const job = names.job(body.kind === 'job-submitted' ? body.job.id : body.job)
    if (!isHeadRecord(body)) return countAgain(job, body, () => facts(job, record, body))
    // A head speaks for itself only.
    if (body.term.head !== record.origin) return
    const counts = addRecord(job, record, body)
    if (body.kind !== 'committed') return losses(job, record, body)
    commits.halves.note(job, body)
    if (counts) commits.count(job, record, body)
  }
}

type HeadRecordBody = Committed | Charged | MiniBatchesHalved

const isHeadRecord = (body: JobRecordBody): body is HeadRecordBody =>
  body.kind === 'committed' || body.kind === 'charged' || body.kind === 'mini-batches-halved'

/** Notes a record of a head; true if it counts as far as is known. */
const createHeadRecord = (db: Db, seals: Seals) => {
  const add = db.prepare('INSERT OR IGNORE INTO job_record VALUES (?, ?, ?, ?, ?, ?)')
  return (job: number, record: StoredRecord, { kind, term, at }: HeadRecordBody): boolean => {
    const counts = seals.coverage(job)(record)
    add.run(job, record.id, kind === 'committed' ? 1 : 0, term.number, at, counts ? 1 : 0)
    return counts
  }
}

/** Charges and halvings, as they were told. */
const createLosses = (db: Db, names: Names) => {
  const addCharge = db.prepare(
    'INSERT OR IGNORE INTO charge VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const addHalving = db.prepare('INSERT OR IGNORE INTO halving VALUES (?, ?, ?)')
  return (job: number, record: StoredRecord, body: Charged | MiniBatchesHalved): void => {
    if (body.kind === 'mini-batches-halved') {
      for (const { parent } of body.halvings) addHalving.run(job, record.id, parent)
      return
    }
    for (const [place, charge] of body.charges.entries()) {
      const { miniBatch, attempt, cause, message, final, ran } = charge
      const peer = names.peer(charge.peer)
      const told = [miniBatch, attempt, peer, cause, message, final ? 1 : 0]
      const run = [ran?.process ?? null, ran?.startedAt ?? null, ran?.runMs ?? null]
      addCharge.run(job, record.id, place, ...told, ...run)
    }
  }
}

/** Takes a single fact of a job, and finds anew which commits count where that may change it. */
const createCountAgain = (
  db: Db,
  { ranks, rows, bodies }: FoldDeps,
  { seals, commits }: { readonly seals: Seals; readonly commits: CommitFold },
) => {
  const cover = createCoverage(db, { seals, ranks })
  const knownChunk = db.prepare<[number, number]>(
    'SELECT 1 FROM plan_chunk WHERE job = ? AND chunk = ?',
  )
  const counting = db
    .prepare<[number], number>(
      'SELECT record FROM job_record WHERE job = ? AND is_commit = 1 AND counts = 1',
    )
    .pluck()

  const recount = (job: number): void => {
    rows.settle([job], () => {
      commits.clear(job)
      for (const id of counting.all(job)) {
        const record = bodies.read(id)
        if (record?.body.kind === 'committed') commits.count(job, record, record.body)
      }
    })
  }

  return (job: number, body: JobFactBody, take: () => void): void => {
    const isAgain =
      body.kind === 'plan-chunk-written' && knownChunk.get(job, body.chunk) !== undefined
    take()
    // A seal came, or turned out to be the keeper's: what it did not know of stops to count.
    const isCovering = body.kind === 'job-submitted' || body.kind === 'job-sealed'
    const changed = isCovering && cover(job)
    // What halves are part of follows from the plan.
    const isPlan = body.kind === 'plan-chunk-written' && commits.halves.anyWithin(job, body)
    const isOther = (isAgain || body.kind === 'job-submitted') && commits.halves.any(job)
    if (changed || isPlan || isOther) recount(job)
  }
}

type JobFactBody = Exclude<JobRecordBody, HeadRecordBody>

/** The single facts of a job: where two records disagree, the one that goes first stays. */
const createJobFacts = (
  db: Db,
  { names, ranks }: FoldDeps,
): ((job: number, record: StoredRecord, body: JobFactBody) => void) => {
  const submit = createSubmit(db, names, ranks)
  const plan = createPlan(db, ranks)
  const failPlan = createFirstOfOrigin(db, ranks, { table: 'plan_failed', column: 'message' })
  const seal = createFirstOfOrigin(db, ranks, { table: 'job_sealed', column: 'body' })
  const close = createClose(db, ranks)
  const pause = createPause(db, ranks)
  const cancel = db.prepare(
    `INSERT INTO job_cancel VALUES (?, ?) ON CONFLICT DO UPDATE SET at = min(at, excluded.at)`,
  )
  return (job, record, body) => {
    switch (body.kind) {
      case 'job-submitted':
        return submit(job, record, body)
      case 'plan-chunk-written':
        return plan(job, names.peer(record.origin), record, body)
      case 'plan-failed':
        return failPlan(job, names.peer(record.origin), record, body.message)
      case 'job-cancel-requested':
        cancel.run(job, body.at)
        return undefined
      case 'job-pause-changed':
        return pause(job, record, body)
      case 'job-closed':
        return close(job, record, body)
      case 'job-sealed':
        return seal(job, names.peer(record.origin), record, JSON.stringify(body))
      default:
        return assertNever(body)
    }
  }
}

const createSubmit = (db: Db, names: Names, ranks: Ranks) => {
  const find = db.prepare<[number], { readonly record: number; readonly submitted_at: number }>(
    'SELECT record, submitted_at FROM job_submitted WHERE job = ?',
  )
  const put = db.prepare('INSERT OR REPLACE INTO job_submitted VALUES (?, ?, ?, ?, ?, ?)')
  return (
    id: number,
    record: StoredRecord,
    { job }: Extract<RecordBody, { kind: 'job-submitted' }>,
  ): void => {
    if (job.submitter !== record.origin) return
    const known = find.get(id)
    const isFirst =
      known === undefined ||
      job.submittedAt < known.submitted_at ||
      (job.submittedAt === known.submitted_at && ranks.isBefore(record, known.record))
    if (!isFirst) return
    const [keeper, dataPeer] = [names.peer(job.keeper), names.peer(job.dataPeer)]
    put.run(id, record.id, job.submittedAt, keeper, dataPeer, JSON.stringify(job))
  }
}

const createPlan = (db: Db, ranks: Ranks) => {
  const find = db
    .prepare<[number, number, number], number>(
      'SELECT record FROM plan_chunk WHERE job = ? AND origin = ? AND chunk = ?',
    )
    .pluck()
  const put = db.prepare('INSERT OR REPLACE INTO plan_chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  return (job: number, origin: number, record: StoredRecord, body: PlanChunkWritten): void => {
    const known = find.get(job, origin, body.chunk)
    if (known !== undefined && !ranks.isBefore(record, known)) return
    const { chunk, items, firstMiniBatch, miniBatches, last } = body
    const sums = [items, firstMiniBatch, miniBatches, last ? 1 : 0]
    put.run(job, origin, chunk, record.id, ...sums, JSON.stringify(body))
  }
}

const createFirstOfOrigin = (
  db: Db,
  ranks: Ranks,
  { table, column }: { readonly table: string; readonly column: string },
) => {
  const find = db
    .prepare<[number, number], number>(`SELECT record FROM ${table} WHERE job = ? AND origin = ?`)
    .pluck()
  const put = db.prepare(
    `INSERT OR REPLACE INTO ${table} (job, origin, record, ${column}) VALUES (?, ?, ?, ?)`,
  )
  return (job: number, origin: number, record: StoredRecord, text: string): void => {
    const known = find.get(job, origin)
    if (known === undefined || ranks.isBefore(record, known)) put.run(job, origin, record.id, text)
  }
}

/** The last word by (clock, origin, sequence). */
const createPause = (db: Db, ranks: Ranks) => {
  const find = db.prepare<[number], { readonly record: number; readonly clock: number }>(
    'SELECT record, clock FROM job_pause WHERE job = ?',
  )
  const put = db.prepare('INSERT OR REPLACE INTO job_pause VALUES (?, ?, ?, ?, ?)')
  return (job: number, record: StoredRecord, { clock, paused, at }: JobPauseChanged): void => {
    const known = find.get(job)
    const isLast =
      known === undefined ||
      clock > known.clock ||
      (clock === known.clock && !ranks.isBefore(record, known.record))
    if (isLast) put.run(job, record.id, clock, paused ? 1 : 0, at)
  }
}

const createClose = (db: Db, ranks: Ranks) => {
  const find = db.prepare<[number], { readonly record: number; readonly term: number }>(
    'SELECT record, term FROM job_closed WHERE job = ?',
  )
  const put = db.prepare('INSERT OR REPLACE INTO job_closed VALUES (?, ?, ?, ?)')
  return (
    job: number,
    record: StoredRecord,
    body: Extract<RecordBody, { kind: 'job-closed' }>,
  ): void => {
    if (body.term.head !== record.origin) return
    const known = find.get(job)
    const order =
      known === undefined
        ? -1
        : body.term.number - known.term || comparePlaces(record, ranks.placeOf(known.record))
    if (order < 0) put.run(job, record.id, body.term.number, JSON.stringify(body))
  }
}
