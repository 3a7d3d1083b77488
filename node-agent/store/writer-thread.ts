import type { RowsToKeep } from '#agent/ports/views.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { ClusterId, JobId, PeerId } from '#protocol/model/ids.ts'
import type { Db } from './database.ts'
import { openForWriting, toStoreError } from './database.ts'
import type { LogEnd, SealedSegment } from './deps.ts'
import { createFolder } from './fold/fold.ts'
import { createRanks } from './fold/ranks.ts'
import { createStoredBodies } from './fold/stored-bodies.ts'
import { createNames } from './names.ts'
import { foldVersion, migrate } from './sql/migrations.ts'
import { serveCalls } from './thread/calls.ts'
import type { ThreadOptions } from './thread/calls.ts'
import { createDropJobRows } from './write/drop-rows.ts'
import { createRowStore } from './write/rows.ts'
import { unpackChunk } from './write/unpack-chunk.ts'
import { createSegmentWriter } from './write/segments.ts'

/** Root of the thread that alone writes. Each call is one transaction, durable when it is answered. */
export type WriterCalls = {
  readonly store: (batch: {
    readonly cluster: ClusterId
    readonly segments: readonly SealedSegment[]
  }) => void
  /** Says of each chunk why it cannot be read, or null. */
  readonly keepRows: (rows: readonly RowsToKeep[]) => readonly (MusterError | null)[]
  readonly dropRows: (job: JobId) => void
  readonly setSetting: (setting: { readonly name: string; readonly json: string }) => void
  readonly rebuild: () => void
  readonly close: () => void
}

/** What the ledger must know when it starts. */
export interface WriterReady {
  readonly cluster: ClusterId | null
  readonly logs: readonly (LogEnd & { readonly origin: PeerId })[]
}

const open = (options: ThreadOptions) => {
  const db = openForWriting(options)
  migrate(db, options.file)
  const names = createNames(db)
  const rows = createRowStore(db, names)
  const ranks = createRanks(db)
  const folder = createFolder(db, { names, rows, ranks, bodies: createStoredBodies(db) })
  const addSegment = createSegmentWriter(db, folder)
  const dropJobRows = createDropJobRows(db)
  const setMeta = db.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)')
  const setSetting = db.prepare('INSERT OR REPLACE INTO setting VALUES (?, ?)')

  const inTransaction = (run: () => void): void => {
    try {
      db.transaction(run).immediate()
    } catch (thrown) {
      names.forget()
      throw thrown
    }
  }
  const refold = (): void => {
    folder.refold()
    setMeta.run('fold-version', foldVersion)
  }
  const methods: WriterCalls = {
    store: ({ cluster, segments }) =>
      inTransaction(() => {
        if (cluster !== metaOf(db, 'cluster')) setMeta.run('cluster', cluster)
        for (const segment of segments) addSegment(segment)
      }),
    keepRows: (toKeep) => {
      const chunks = toKeep.map(({ chunk, packed }) => unpackChunk(chunk, packed))
      inTransaction(() => {
        for (const [at, one] of toKeep.entries()) {
          const chunk = chunks[at]
          if (chunk?.ok === true) rows.keep(one, chunk.value)
        }
      })
      return chunks.map((chunk) => (chunk.ok ? null : chunk.error))
    },
    dropRows: (job) => inTransaction(() => dropJobRows(job)),
    setSetting: ({ name, json }) => inTransaction(() => setSetting.run(name, json)),
    rebuild: () => inTransaction(refold),
    close: () => {
      db.pragma('optimize')
      db.close()
    },
  }
  if (metaOf(db, 'fold-version') !== foldVersion) inTransaction(refold)
  return { ready: readyOf(db), methods }
}

const metaOf = (db: Db, name: string): unknown =>
  db.prepare<[string]>('SELECT value FROM meta WHERE name = ?').pluck().get(name)

const readyOf = (db: Db): WriterReady => {
  const logs = db
    .prepare<[], WriterReady['logs'][number]>(
      'SELECT origin, incarnation, sequence, lower(hex(hash)) AS hash FROM log ORDER BY id',
    )
    .all()
  return { cluster: (metaOf(db, 'cluster') as ClusterId | undefined) ?? null, logs }
}

serveCalls(open, toStoreError)
