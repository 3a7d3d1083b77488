import type { PeerId, RecordHash } from '#protocol/model/ids.ts'
import type { RecordKind } from '#protocol/model/record.ts'
import type { VersionVector } from '#protocol/model/log-position.ts'
import type { Db } from '../database.ts'

/** A stored segment and which of its records were asked for. */
export interface StoredPart {
  readonly bytes: Uint8Array
  readonly sequences: readonly number[]
}

/** Records `after` up to `upTo`; `next` is where the following page begins, null at the end. */
export interface ReplayPage {
  readonly parts: readonly StoredPart[]
  readonly next: number | null
}

export interface SegmentQueries {
  readonly hashAt: (place: {
    readonly origin: PeerId
    readonly incarnation: number
    readonly sequence: number
  }) => RecordHash | undefined
  readonly missingFrom: (theirs: VersionVector, bytes: number) => readonly Uint8Array[]
  readonly replay: (kinds: readonly RecordKind[], after: number) => ReplayPage
}

export const createSegmentQueries = (db: Db): SegmentQueries => {
  const hashAt = db
    .prepare<[string, number, number], RecordHash>(
      `SELECT lower(hex(record.hash)) FROM record JOIN log ON log.id = record.log
       WHERE origin = ? AND incarnation = ? AND record.sequence = ?`,
    )
    .pluck()
  return {
    hashAt: ({ origin, incarnation, sequence }) => hashAt.get(origin, incarnation, sequence),
    missingFrom: createMissing(db),
    replay: createReplay(db),
  }
}

// --- details -----------------------------------------------------------------------------------

interface Candidate {
  readonly id: number
  readonly bytes: number
}

/** Segments of one log looked at for one answer: the asker comes again anyway. */
const mostSegments = 4_096

/** In the order of storing, so that what explains a segment (who its author is) goes before it. */
const createMissing = (db: Db) => {
  const logs = db.prepare<
    [],
    {
      readonly id: number
      readonly origin: PeerId
      readonly incarnation: number
      readonly sequence: number
    }
  >('SELECT id, origin, incarnation, sequence FROM log')
  const behind = db.prepare<[number, number, number], Candidate>(
    `SELECT id, length(bytes) AS bytes FROM segment
     WHERE log = ? AND last > ? ORDER BY last LIMIT ?`,
  )
  const bytesOf = db.prepare<[number], Uint8Array>('SELECT bytes FROM segment WHERE id = ?').pluck()
  return db.transaction((theirs: VersionVector, budget: number): readonly Uint8Array[] => {
    const held = new Map(theirs.map((log) => [`${log.origin} ${log.incarnation}`, log.sequence]))
    const candidates = logs.all().flatMap(({ id, origin, incarnation, sequence }) => {
      const after = held.get(`${origin} ${incarnation}`) ?? -1
      return after < sequence ? behind.all(id, after, mostSegments) : []
    })
    let size = 0
    const chosen: Uint8Array[] = []
    for (const { id, bytes } of candidates.sort((a, b) => a.id - b.id)) {
      size += bytes
      if (chosen.length > 0 && size > budget) break
      const found = bytesOf.get(id)
      if (found !== undefined) chosen.push(found)
    }
    return chosen
  })
}

/** Bytes of segments in one page of a replay. */
const pageBytes = 1_048_576
const pageRecords = 10_000

const createReplay = (db: Db) => {
  const bytesOf = db.prepare<[number], Uint8Array>('SELECT bytes FROM segment WHERE id = ?').pluck()
  const find = (kinds: number) =>
    db.prepare<
      unknown[],
      { readonly id: number; readonly segment: number; readonly sequence: number }
    >(
      `SELECT id, segment, sequence FROM record
       WHERE kind IN (${Array.from({ length: kinds }, () => '?').join()}) AND id > ?
       ORDER BY id LIMIT ${pageRecords}`,
    )
  return db.transaction((kinds: readonly RecordKind[], after: number): ReplayPage => {
    const records = find(kinds.length).all(...kinds, after)
    const parts: { readonly bytes: Uint8Array; readonly sequences: number[] }[] = []
    let open = -1
    let size = 0
    let last = after
    for (const { id, segment, sequence } of records) {
      if (segment !== open) {
        if (size > pageBytes) return { parts, next: last }
        const bytes = bytesOf.get(segment) ?? new Uint8Array()
        parts.push({ bytes, sequences: [] })
        open = segment
        size += bytes.length
      }
      parts.at(-1)?.sequences.push(sequence)
      last = id
    }
    return { parts, next: records.length < pageRecords ? null : last }
  })
}
