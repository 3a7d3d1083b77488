import { createHash } from 'node:crypto'
import type { MissingChunk } from '#agent/ports/views.ts'
import type { SealFacts } from '#protocol/model/fold.ts'
import type { BlobHash, JobId, PeerId } from '#protocol/model/ids.ts'
import type { Charge } from '#protocol/model/record.ts'
import type { LogPosition } from '#protocol/model/log-position.ts'
import { commitWidth } from '../commit-width.ts'
import type { Db } from '../database.ts'
import { Moved } from '../thread/calls.ts'

/** Counted commits in columns: seven numbers a commit, and the chunks that column `chunk` counts in. */
export interface CommitColumns {
  readonly columns: Int32Array
  readonly chunks: readonly { readonly chunk: BlobHash; readonly peer: PeerId }[]
}

export interface CommitQueries {
  readonly commits: (job: JobId) => Moved
  readonly charges: (job: JobId) => readonly Charge[]
  readonly missingRows: (job: JobId) => readonly MissingChunk[]
  readonly sealFacts: (job: JobId) => SealFacts
}

const idOf = '(SELECT id FROM job WHERE name = ?)'

interface ChunkRow {
  readonly id: number
  readonly chunk: BlobHash
  readonly peer: PeerId
}

export const createCommitQueries = (db: Db): CommitQueries => {
  const chunkOf = createChunkLookup(db)
  return {
    commits: createCommits(db, chunkOf),
    charges: createCharges(db),
    missingRows: createMissingRows(db, chunkOf),
    sealFacts: createSealFacts(db, chunkOf),
  }
}

const createChunkLookup = (db: Db): ((id: number) => ChunkRow) => {
  const find = db.prepare<[number], ChunkRow>(
    `SELECT chunk.id, lower(hex(hash)) AS chunk, peer.name AS peer
     FROM chunk JOIN peer ON peer.id = chunk.peer WHERE chunk.id = ?`,
  )
  return (id) => {
    const row = find.get(id)
    if (row === undefined) throw new Error(`no chunk ${id}`)
    return row
  }
}

type CommitRow = readonly [number, number, number, number, number, number, number]

const createCommits = (db: Db, chunkOf: (id: number) => ChunkRow) => {
  const count = db
    .prepare<[string], number>(`SELECT count(*) FROM counted_commit WHERE job = ${idOf}`)
    .pluck()
  const all = db
    .prepare<[string], CommitRow>(
      `SELECT mini_batch, chunk, position, attempt, succeeded, failed, rows
       FROM counted_commit WHERE job = ${idOf} ORDER BY mini_batch`,
    )
    .raw()
  const read = db.transaction((job: JobId): CommitColumns => {
    const columns = new Int32Array(commitWidth * (count.get(job) ?? 0))
    const chunks: ChunkRow[] = []
    const placeById = new Map<number, number>()
    let at = 0
    for (const row of all.iterate(job)) {
      columns.set(row, at)
      const id = row[1]
      const place = placeById.get(id) ?? chunks.push(chunkOf(id)) - 1
      placeById.set(id, place)
      columns[at + 1] = place
      at += commitWidth
    }
    return { columns, chunks }
  })
  return (job: JobId): Moved => {
    const value = read(job)
    return new Moved(value, [value.columns.buffer as ArrayBuffer])
  }
}

const createCharges = (db: Db) => {
  const all = db.prepare<[string], ChargeRow>(
    `SELECT charge.mini_batch AS miniBatch, attempt, peer.name AS peer, cause, message, final,
       process, started_at AS startedAt, run_ms AS runMs
     FROM charge JOIN job_record USING (job, record)
     JOIN record ON record.id = charge.record JOIN log ON log.id = record.log
     JOIN peer ON peer.id = charge.peer
     WHERE job = ${idOf} AND counts = 1
     ORDER BY mini_batch, attempt, term, log.origin, log.incarnation, record.sequence, place`,
  )
  return (job: JobId) =>
    all.all(job).map(({ process, startedAt, runMs, final, ...row }): Charge => {
      const ran = process === null ? {} : { ran: { process, startedAt, runMs } }
      return { ...row, final: final === 1, ...ran }
    })
}

type ChargeRow = Omit<Charge, 'final' | 'ran'> & {
  readonly final: number
  /** Null: it is not known when and where it ran. */
  readonly process: number | null
  readonly startedAt: number
  readonly runMs: number
}

interface WantedRow {
  readonly chunk: number
  readonly first: number
  readonly last: number
}

/** Looks where each wanted chunk's mini-batches stand, or at all commits if that is less. */
const createMissingRows = (db: Db, chunkOf: (id: number) => ChunkRow) => {
  const wanted = db.prepare<[string], WantedRow>(
    `SELECT chunk, first_mini_batch AS first, last_mini_batch AS last
     FROM wanted_chunk WHERE job = ${idOf} AND missing > 0 ORDER BY first_mini_batch, chunk`,
  )
  const between = db
    .prepare<[string, number, number, number], number>(
      `SELECT position FROM counted_commit WHERE job = ${idOf}
         AND mini_batch BETWEEN ? AND ? AND chunk = ? AND kept = 0 ORDER BY mini_batch`,
    )
    .pluck()
  const all = db.prepare<[string], { readonly chunk: number; readonly position: number }>(
    `SELECT chunk, position FROM counted_commit
     WHERE job = ${idOf} AND kept = 0 ORDER BY mini_batch`,
  )
  const last = db
    .prepare<[string], number>(
      `SELECT coalesce(max(mini_batch), 0) FROM counted_commit WHERE job = ${idOf}`,
    )
    .pluck()
  const byScan = (job: JobId): ReadonlyMap<number, readonly number[]> => {
    const positionsByChunk = new Map<number, number[]>()
    for (const { chunk, position } of all.iterate(job)) {
      const positions = positionsByChunk.get(chunk)
      if (positions === undefined) positionsByChunk.set(chunk, [position])
      else positions.push(position)
    }
    return positionsByChunk
  }
  return db.transaction((job: JobId): readonly MissingChunk[] => {
    const chunks = wanted.all(job)
    const steps = chunks.reduce((sum, chunk) => sum + chunk.last - chunk.first + 1, 0)
    const found =
      steps > (last.get(job) ?? 0)
        ? byScan(job)
        : chunks.map((of) => [of.chunk, between.all(job, of.first, of.last, of.chunk)] as const)
    return [...found].map(([id, positions]) => {
      const { chunk, peer } = chunkOf(id)
      return { chunk, peer, positions }
    })
  })
}

const createSealFacts = (db: Db, chunkOf: (id: number) => ChunkRow) => {
  const all = db
    .prepare<[string], readonly [number, number, number, number, number, number]>(
      `SELECT mini_batch, chunk, position, succeeded, failed, rows
       FROM counted_commit WHERE job = ${idOf} ORDER BY mini_batch`,
    )
    .raw()
  const upTo = db.prepare<[string], LogPosition>(
    `SELECT origin, incarnation, log.sequence FROM log WHERE id IN (
       SELECT log FROM job_record JOIN record ON record.id = job_record.record WHERE job = ${idOf})
     ORDER BY origin, incarnation`,
  )
  return db.transaction((job: JobId): SealFacts => {
    const hash = createHash('sha256')
    const sums = { miniBatches: 0, rows: 0, succeeded: 0, failed: 0 }
    const chunkById = new Map<number, BlobHash>()
    for (const [miniBatch, id, position, succeeded, failed, rows] of all.iterate(job)) {
      const chunk = chunkById.get(id) ?? chunkOf(id).chunk
      chunkById.set(id, chunk)
      hash.update(`${miniBatch} ${chunk} ${position}\n`)
      sums.miniBatches += 1
      sums.rows += rows
      sums.succeeded += succeeded
      sums.failed += failed
    }
    return { mapHash: hash.digest('hex'), ...sums, upTo: upTo.all(job) }
  })
}
