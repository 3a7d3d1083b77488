import type { BlobHash, PeerId, RecordHash } from '#protocol/model/ids.ts'
import { openForReading, toStoreError } from './database.ts'
import type { Db } from './database.ts'
import { serveCalls } from './thread/calls.ts'
import type { ThreadOptions } from './thread/calls.ts'

/** Root of the thread that looks the store through: it may take minutes, and nobody else waits for it. */
const open = (options: ThreadOptions) => {
  const db = openForReading(options)
  const methods = {
    integrity: () =>
      db
        .prepare<[], string>('PRAGMA integrity_check(20)')
        .pluck()
        .all()
        .filter((line) => line !== 'ok'),
    logs: () => logsOf(db),
    segments: (of: { readonly log: number; readonly after: number }) => segmentsOf(db, of),
    blobNames: (self: PeerId) => ({ named: namedBlobs(db), needed: neededBlobs(db, self) }),
    copyTo: (file: string) => void db.prepare('VACUUM INTO ?').run(file),
    close: () => {
      db.close()
    },
  }
  return { ready: undefined, methods }
}

export type CheckCalls = ReturnType<typeof open>['methods']

export interface StoredLog {
  readonly id: number
  readonly origin: PeerId
  readonly incarnation: number
  readonly sequence: number
  readonly hash: RecordHash
  readonly segments: number
  readonly records: number
}

const logsOf = (db: Db): readonly StoredLog[] =>
  db
    .prepare<[], StoredLog>(
      `SELECT id, origin, incarnation, sequence, lower(hex(hash)) AS hash,
         (SELECT count(*) FROM segment WHERE segment.log = log.id) AS segments,
         (SELECT count(*) FROM record WHERE record.log = log.id) AS records
       FROM log ORDER BY id`,
    )
    .all()

const pageBytes = 1_048_576

/** Segments behind `after` in their order, about a megabyte of them. */
const segmentsOf = (db: Db, { log, after }: { readonly log: number; readonly after: number }) => {
  const page: { readonly last: number; readonly bytes: Uint8Array }[] = []
  const rows = db
    .prepare<[number, number], { readonly last: number; readonly bytes: Uint8Array }>(
      'SELECT last, bytes FROM segment WHERE log = ? AND last > ? ORDER BY last',
    )
    .iterate(log, after)
  let size = 0
  for (const row of rows) {
    page.push(row)
    size += row.bytes.length
    if (size >= pageBytes) break
  }
  return page
}

/** Everything that could be a blob's name, so that nothing in use is ever called an orphan. */
const namedBlobs = (db: Db): readonly BlobHash[] => {
  const found = new Set<string>()
  for (const table of ['job_submitted', 'plan_chunk', 'model_registered']) {
    for (const body of db.prepare<[], string>(`SELECT body FROM ${table}`).pluck().iterate())
      for (const [name] of body.matchAll(/\b[0-9a-f]{64}\b/g)) found.add(name)
  }
  for (const hash of db.prepare<[], string>('SELECT lower(hex(hash)) FROM chunk').pluck().iterate())
    found.add(hash)
  return [...found] as BlobHash[]
}

/** Blobs that only this machine may have: models and plans of its own, results nobody fetched yet. */
const neededBlobs = (db: Db, self: PeerId): readonly BlobHash[] => {
  const open = `NOT EXISTS (SELECT 1 FROM job_sealed WHERE job_sealed.job = t.job)
    AND t.job NOT IN (SELECT job FROM gone)`
  const bodies = [
    ...db
      .prepare<[string], string>(
        `SELECT t.body FROM job_submitted AS t JOIN peer ON peer.id = t.keeper
         WHERE peer.name = ? AND ${open}`,
      )
      .pluck()
      .all(self),
    ...db
      .prepare<[string], string>(
        `SELECT t.body FROM plan_chunk AS t JOIN peer ON peer.id = t.origin
         WHERE peer.name = ? AND ${open}`,
      )
      .pluck()
      .all(self),
    ...db.prepare<[], string>('SELECT body FROM model_registered').pluck().all(),
  ]
  const found = new Set<string>()
  for (const text of bodies) {
    const body = JSON.parse(text) as Record<string, unknown>
    if (body['registeredBy'] === undefined || body['registeredBy'] === self) collect(body, found)
  }
  const chunks = db
    .prepare<[string], string>(
      `SELECT lower(hex(chunk.hash)) FROM wanted_chunk AS t JOIN chunk ON chunk.id = t.chunk
       JOIN peer ON peer.id = chunk.peer WHERE t.missing > 0 AND peer.name = ? AND ${open}`,
    )
    .pluck()
    .all(self)
  for (const chunk of chunks) found.add(chunk)
  return [...found] as BlobHash[]
}

/** Values of all fields called `blob`. */
const collect = (value: unknown, found: Set<string>): void => {
  if (typeof value !== 'object' || value === null) return
  for (const [key, below] of Object.entries(value)) {
    if (key === 'blob' && typeof below === 'string') found.add(below)
    else collect(below, found)
  }
}

serveCalls(open, toStoreError)
