import { isHalf } from '#protocol/model/half.ts'
import type { MiniBatchIndex } from '#protocol/model/ids.ts'
import type { CommitGroup, Committed } from '#protocol/model/record.ts'
import type { Db } from '../database.ts'
import type { Names } from '../names.ts'
import type { RowStore } from '../write/rows.ts'
import type { Ranks, StoredRecord } from './ranks.ts'
import { comparePlaces } from './ranks.ts'
import { createHalves } from './halves.ts'
import type { Halves } from './halves.ts'

/** Keeps, of each mini-batch, the commit that goes first by (term, head, incarnation, sequence). */
export interface CommitFold {
  readonly count: (job: number, record: StoredRecord, body: Committed) => void
  /** Drops the counted commits of a job; those that count are counted again by the caller. */
  readonly clear: (job: number) => void
  readonly halves: Halves
}

interface CommitDeps {
  readonly names: Names
  readonly ranks: Ranks
  readonly rows: RowStore
}

export const createCommitFold = (db: Db, deps: CommitDeps): CommitFold => {
  const { names, rows } = deps
  const insert = db.prepare(
    'INSERT INTO counted_commit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const shares = createShares(db)
  const wanted = createWanted(db)
  const takeOut = createTakeOut(db, { shares, wanted })
  const replace = createReplace(db, deps, takeOut)
  const halves = createHalves(db)
  const clearCommits = db.prepare('DELETE FROM counted_commit WHERE job = ?')

  const countGroup = (job: number, record: StoredRecord, term: number, group: CommitGroup) => {
    const peer = names.peer(group.peer)
    const chunk = names.chunk(group.chunk, peer)
    const share: Share = { miniBatches: 0, succeeded: 0, failed: 0, rows: 0 }
    const missing: MiniBatchIndex[] = []
    const drop = (part: MiniBatchIndex): void => {
      takeOut(job, part)
      rows.drop(job, part)
    }
    for (const [at, miniBatch] of group.miniBatches.entries()) {
      const { position, attempt, succeeded, failed, rows: count } = columnsAt(group, at)
      const kept = rows.isKept(job, miniBatch, chunk, position) ? 1 : 0
      if (isHalf(miniBatch) && halves.isPartOfCounted(job, miniBatch)) continue
      const columns = [chunk, position, attempt, succeeded, failed, count, kept]
      const add = () => insert.run(job, miniBatch, record.id, ...columns).changes > 0
      if (!add()) {
        if (!replace({ job, miniBatch, record, term })) continue
        // The same rows, committed by two heads, stay.
        if (kept === 0) rows.drop(job, miniBatch)
        add()
      }
      if (kept === 0) missing.push(miniBatch)
      share.miniBatches += 1
      share.succeeded += succeeded
      share.failed += failed
      share.rows += count
    }
    if (share.miniBatches > 0) shares.add(job, peer, share)
    wanted.add(job, chunk, missing)
    if (!halves.any(job)) return
    for (const whole of group.miniBatches) halves.countedWithin(job, whole).forEach(drop)
  }
  return {
    halves,
    count: (job, record, body) => {
      for (const group of body.groups) countGroup(job, record, body.term.number, group)
    },
    clear: (job) => {
      clearCommits.run(job)
      wanted.clear(job)
      shares.clear(job)
    },
  }
}

// --- details -----------------------------------------------------------------------------------

interface Counted {
  readonly record: number
  readonly chunk: number
  readonly kept: number
  readonly peer: number
  readonly succeeded: number
  readonly failed: number
  readonly rows: number
}

/** Takes out the counted commit of a mini-batch, if there is one. */
type TakeOut = (job: number, miniBatch: MiniBatchIndex) => void

const findCounted = `SELECT record, chunk, kept, chunk.peer, succeeded, failed, rows
  FROM counted_commit JOIN chunk ON chunk.id = chunk WHERE job = ? AND mini_batch = ?`

const createTakeOut = (
  db: Db,
  { shares, wanted }: { readonly shares: Shares; readonly wanted: Wanted },
): TakeOut => {
  const find = db.prepare<[number, number], Counted>(findCounted)
  const remove = db.prepare('DELETE FROM counted_commit WHERE job = ? AND mini_batch = ?')
  return (job, miniBatch) => {
    const counted = find.get(job, miniBatch)
    if (counted === undefined) return
    remove.run(job, miniBatch)
    if (counted.kept === 0) wanted.leave(job, counted.chunk)
    const { peer, succeeded, failed } = counted
    const share = { miniBatches: -1, succeeded: -succeeded, failed: -failed, rows: -counted.rows }
    shares.add(job, peer, share)
  }
}

/** Takes out a commit that goes behind the given one; false if it stays. */
const createReplace = (db: Db, { ranks }: CommitDeps, takeOut: TakeOut) => {
  const find = db.prepare<[number, number], Counted>(findCounted)
  const termOf = db
    .prepare<[number, number], number>('SELECT term FROM job_record WHERE job = ? AND record = ?')
    .pluck()
  return (by: {
    readonly job: number
    readonly miniBatch: MiniBatchIndex
    readonly record: StoredRecord
    readonly term: number
  }): boolean => {
    const { job, miniBatch, record, term } = by
    const counted = find.get(job, miniBatch)
    if (counted === undefined) return true
    if (counted.record === record.id) return false
    const order =
      term - (termOf.get(job, counted.record) ?? 0) ||
      comparePlaces(record, ranks.placeOf(counted.record))
    if (order >= 0) return false
    takeOut(job, miniBatch)
    return true
  }
}

/** What commits add to their peer's share of a job. */
interface Share {
  miniBatches: number
  succeeded: number
  failed: number
  rows: number
}

interface Shares {
  readonly add: (job: number, peer: number, share: Share) => void
  readonly clear: (job: number) => void
}

const createShares = (db: Db): Shares => {
  const add = db.prepare(
    `INSERT INTO job_share VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
       mini_batches = mini_batches + excluded.mini_batches, succeeded = succeeded + excluded.succeeded,
       failed = failed + excluded.failed, rows = rows + excluded.rows`,
  )
  const clear = db.prepare('DELETE FROM job_share WHERE job = ?')
  return {
    add: (job, peer, { miniBatches, succeeded, failed, rows }) => {
      add.run(job, peer, miniBatches, succeeded, failed, rows)
    },
    clear: (job) => {
      clear.run(job)
    },
  }
}

interface Wanted {
  readonly add: (job: number, chunk: number, missing: readonly MiniBatchIndex[]) => void
  /** A commit without rows does not count any more. */
  readonly leave: (job: number, chunk: number) => void
  readonly clear: (job: number) => void
}

const createWanted = (db: Db): Wanted => {
  const add = db.prepare(
    `INSERT INTO wanted_chunk VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
       first_mini_batch = min(first_mini_batch, excluded.first_mini_batch),
       last_mini_batch = max(last_mini_batch, excluded.last_mini_batch),
       missing = missing + excluded.missing`,
  )
  const leave = db.prepare(
    'UPDATE wanted_chunk SET missing = missing - 1 WHERE job = ? AND chunk = ?',
  )
  const clear = db.prepare('DELETE FROM wanted_chunk WHERE job = ?')
  return {
    add: (job, chunk, missing) => {
      if (missing.length === 0) return
      const [first, last] = [missing.reduce(lesser), missing.reduce(greater)]
      add.run(job, chunk, first, last, missing.length)
    },
    leave: (job, chunk) => {
      leave.run(job, chunk)
    },
    clear: (job) => {
      clear.run(job)
    },
  }
}

const lesser = (a: number, b: number): number => (a < b ? a : b)
const greater = (a: number, b: number): number => (a > b ? a : b)

const columnsAt = (group: CommitGroup, at: number) => ({
  position: group.positions[at] ?? 0,
  attempt: group.attempts[at] ?? 0,
  succeeded: group.succeeded[at] ?? 0,
  failed: group.failed[at] ?? 0,
  rows: group.rows[at] ?? 0,
})
