import { isForgettable } from '#protocol/model/forgettable.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import type { SealedSegment } from '#protocol/wire/ledger/segment-rules.ts'
import { foldedTableNames } from '../sql/schema/03-folds.ts'
import type { Db } from '../database.ts'
import { createForgettingFold } from './forgetting.ts'
import type { ForgettingFold } from './forgetting.ts'
import { createJobFold } from './jobs.ts'
import type { FoldDeps } from './jobs.ts'
import { createModelFold } from './models.ts'
import { createPoolFold } from './pools.ts'
import { createPipelineFold } from './pipelines.ts'
import type { StoredRecord } from './ranks.ts'
import { createRegistryFold } from './registry.ts'

/** Keeps the views as the records say. Runs inside the caller's transaction. */
export interface Folder {
  readonly fold: (record: StoredRecord) => void
  /** A segment whose new records were folded, without bodies that speak of forgotten jobs. */
  readonly withoutGone: (
    segment: Pick<SealedSegment, 'bytes' | 'first' | 'last' | 'records'>,
  ) => Uint8Array
  /** Forgets all views and folds every stored record again. */
  readonly refold: () => void
}

export const createFolder = (db: Db, deps: FoldDeps): Folder => {
  const forgetting = createForgettingFold(db, deps)
  const foldJob = createJobFold(db, deps)
  const foldModel = createModelFold(db, deps.ranks)
  const foldPipeline = createPipelineFold(db, deps.ranks)
  const foldRegistry = createRegistryFold(db, deps.ranks)
  const foldPool = createPoolFold(db, deps.ranks)
  const fold = (record: StoredRecord): void => {
    const { body } = record
    forgetting.note(record)
    switch (body.kind) {
      case 'model-registered':
        return foldModel(record, body)
      case 'datastore-registered':
      case 'datastore-removed':
      case 'dataset-registered':
        return foldRegistry(record, body)
      case 'pool-set':
      case 'pool-removed':
        return foldPool(record, body)
      case 'pipeline-submitted':
      case 'pipeline-step-skipped':
      case 'pipeline-cancel-requested':
      case 'pipeline-pause-changed':
      case 'pipeline-ended':
      case 'schedule-set':
      case 'schedule-removed':
      case 'schedule-pause-changed':
        return foldPipeline(record, body)
      case 'job-forgotten':
        return forgetting.forget(record, body)
      case 'job-submitted':
      case 'plan-chunk-written':
      case 'plan-failed':
      case 'committed':
      case 'charged':
      case 'mini-batches-halved':
      case 'job-pause-changed':
      case 'job-cancel-requested':
      case 'job-closed':
      case 'job-sealed':
        return forgetting.isGone(body) ? undefined : foldJob(record, body)
      // Folded in memory by the machine of membership, which replays these.
      case 'cluster-created':
      case 'member-added':
      case 'member-removed':
      case 'roles-changed':
      case 'term-taken':
      case 'peer-described':
        return undefined
      default:
        return undefined
    }
  }
  return {
    fold,
    withoutGone: createWithoutGone(deps, forgetting),
    refold: () => deps.rows.settle('all', () => foldAll(db, deps, fold)),
  }
}

const createWithoutGone = (
  { pruner }: FoldDeps,
  forgetting: ForgettingFold,
): Folder['withoutGone'] => {
  const isGone = (body: RecordBody): boolean => isForgettable(body) && forgetting.isGone(body)
  return ({ bytes, first, last, records }) => {
    // Of records that were here already only the bytes can tell.
    const isNew = records.length === last - first + 1
    const mayHold = !isNew || records.some(({ body }) => body !== undefined && isGone(body))
    return mayHold ? pruner.segment(bytes, isGone) : bytes
  }
}

const foldAll = (db: Db, { bodies }: FoldDeps, fold: Folder['fold']): void => {
  const records = db
    .prepare<[number], number>('SELECT id FROM record WHERE id > ? ORDER BY id LIMIT 1000')
    .pluck()
  for (const table of foldedTableNames) db.exec(`DELETE FROM ${table}`)
  for (let after = 0; ;) {
    const ids = records.all(after)
    if (ids.length === 0) break
    for (const id of ids) {
      const record = bodies.read(id)
      if (record !== undefined) fold(record)
      after = id
    }
  }
}
