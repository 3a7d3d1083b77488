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
import type { RowStore } from '../write/rows.ts'
import { createCommitFold } from './commits.ts'
import type { Ranks, StoredRecord } from './ranks.ts'
import { comparePlaces } from './ranks.ts'
import { createCoverage, createSeals } from './seals.ts'
import type { StoredBodies } from './stored-bodies.ts'

/** The records that speak of one job. */
export type JobRecordBody = Extract<RecordBody, { readonly job: unknown }>

/** Folds what records say of jobs. Every rule gives the same tables for any order of the same records. */
export type JobFoldWriter = (record: StoredRecord, body: JobRecordBody) => void

export interface FoldDeps {
  readonly names: Names
  readonly ranks: Ranks
  readonly rows: RowStore
  readonly bodies: StoredBodies
}

export const createJobFold = (db: Db, deps: FoldDeps): JobFoldWriter => {
  const { names, ranks, rows, bodies } = deps
  const facts = createJobFacts(db, deps)
  const commits = createCommitFold(db, deps)
  const seals = createSeals(db)
  const cover = createCoverage(db, { seals, ranks })
  const addRecord = db.prepare('INSERT OR IGNORE INTO job_record VALUES (?, ?, ?, ?, ?, ?)')
  const addCharge = db.prepare('INSERT OR IGNORE INTO charge VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const addHalving = db.prepare('INSERT OR IGNORE INTO halving VALUES (?, ?, ?)')
  const knownChunk = db.prepare<[number, number], unknown>(
    'SELECT 1 FROM plan_chunk WHERE job = ? AND chunk = ?',
  )
  const counting = db
    .prepare<[number], number>(
      'SELECT record FROM job_record WHERE job = ? AND is_commit = 1 AND counts = 1',
    )
    .pluck()

  /** What counts is found anew from all commits. */
  const recount = (job: number): void => {
    rows.settle([job], () => {
      commits.clear(job)
      for (const id of counting.all(job)) {
        const record = bodies.read(id)
        if (record?.body.kind === 'committed') commits.count(job, record, record.body)
      }
    })
  }

  const addHeadRecord = (
    job: number,
    record: StoredRecord,
    body: Committed | Charged | MiniBatchesHalved,
  ): boolean => {
    // A head speaks for itself only.
    if (body.term.head !== record.origin) return false
    const counts = seals.coverage(job)(record)
    const isCommit = body.kind === 'committed' ? 1 : 0
    addRecord.run(job, record.id, isCommit, body.term.number, body.at, counts ? 1 : 0)
    return counts
  }

  const onCharged = (job: number, record: StoredRecord, body: Charged): void => {
    addHeadRecord(job, record, body)
    if (body.term.head !== record.origin) return
    for (const [place, charge] of body.charges.entries()) {
      const { miniBatch, attempt, cause, message, final } = charge
      const peer = names.peer(charge.peer)
      addCharge.run(job, record.id, place, miniBatch, attempt, peer, cause, message, final ? 1 : 0)
    }
  }

  const onHalved = (job: number, record: StoredRecord, body: MiniBatchesHalved): void => {
    addHeadRecord(job, record, body)
    if (body.term.head !== record.origin) return
    for (const { parent } of body.halvings) addHalving.run(job, record.id, parent)
  }

  /** A seal came, or turned out to be the keeper's: what it did not know of stops to count. */
  const onFact = (job: number, record: StoredRecord, body: JobFactBody): void => {
    const isAgain =
      body.kind === 'plan-chunk-written' && knownChunk.get(job, body.chunk) !== undefined
    facts(job, record, body)
    const isCovering = body.kind === 'job-submitted' || body.kind === 'job-sealed'
    const changed = isCovering && cover(job)
    const isPlan = body.kind === 'plan-chunk-written' && commits.halves.anyWithin(job, body)
    const isOther = (isAgain || body.kind === 'job-submitted') && commits.halves.any(job)
    if (changed || isPlan || isOther) recount(job)
  }

  return (record, body) => {
    const job = names.job(body.kind === 'job-submitted' ? body.job.id : body.job)
    switch (body.kind) {
      case 'committed':
        if (body.term.head === record.origin) commits.halves.note(job, body)
        if (addHeadRecord(job, record, body)) commits.count(job, record, body)
        return
      case 'charged':
        return onCharged(job, record, body)
      case 'mini-batches-halved':
        return onHalved(job, record, body)
      default:
        return onFact(job, record, body)
    }
  }
}

type JobFactBody = Exclude<JobRecordBody, Committed | Charged | MiniBatchesHalved>

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
