import type { RowsToKeep } from '#agent/ports/views.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { ClusterId, JobId, PeerId } from '#protocol/model/ids.ts'
import type { Db } from './database.ts'
import { openForWriting, toStoreError } from './database.ts'
import type { LogEnd, SealedSegment } from '#protocol/wire/ledger/segment-rules.ts'
import { createFolder } from './fold/fold.ts'
import { rewriteNote } from './rewrite-note.ts'
import { createRanks } from './fold/ranks.ts'
import { createStoredBodies } from './fold/stored-bodies.ts'
import { createNames } from './names.ts'
import { foldVersion, migrate } from './sql/migrations.ts'
import { serveCalls } from './thread/calls.ts'
import type { ThreadOptions } from './thread/calls.ts'
import { createDropJobRows } from './write/drop-rows.ts'
import { createForgottenRows } from './write/forgotten-rows.ts'
import type { ForgottenRows } from './write/forgotten-rows.ts'
import { createPruner } from './write/prune.ts'
import { createRowStore } from './write/rows.ts'
import { unpackChunk } from './write/unpack-chunk.ts'
import { createSegmentWriter } from './write/segments.ts'

/** Root of the thread that alone writes. Each call is one transaction, durable when it is answered. */
export type WriterCalls = {
  readonly store: (batch: {
    readonly cluster: ClusterId
    readonly segments: readonly SealedSegment[]
  }) => RowsLeft
  /** Says of each chunk why it cannot be read, or null. */
  readonly keepRows: (rows: readonly RowsToKeep[]) => readonly (MusterError | null)[]
  readonly dropRows: (job: JobId) => void
  /** What a forgotten job left on this machine is gone. */
  readonly removed: (job: JobId) => void
  readonly setSetting: (setting: { readonly name: string; readonly json: string }) => void
  readonly rebuild: () => RowsLeft
  /** Deletes some rows of forgotten jobs. */
  readonly dropForgotten: () => RowsLeft
  /** True if the file should be written anew while nobody asks: see `rewrite.ts`. */
  readonly close: () => boolean
}

/** True: rows of forgotten jobs are left, which `dropForgotten` deletes. */
type RowsLeft = boolean

/** What the ledger must know when it starts. */
export interface WriterReady {
  readonly cluster: ClusterId | null
  readonly logs: readonly (LogEnd & { readonly origin: PeerId })[]
  readonly rowsLeft: RowsLeft
}

/** What is kept up to date with every record. */
const createTables = (db: Db) => {
  const names = createNames(db)
  const rows = createRowStore(db, names)
  const ranks = createRanks(db)
  const bodies = createStoredBodies(db)
  const pruner = createPruner(db)
  const forgottenRows = createForgottenRows(db)
  const folder = createFolder(db, { names, rows, ranks, bodies, pruner, forgottenRows })
  return { names, rows, forgottenRows, folder }
}

const open = (options: ThreadOptions) => {
  const db = openForWriting(options)
  migrate(db, options.file)
  const { names, rows, forgottenRows, folder } = createTables(db)
  const addSegment = createSegmentWriter(db, folder)
  const dropJobRows = createDropJobRows(db)
  const removed = db.prepare<[string]>('DELETE FROM to_remove WHERE job = ?')
  const setMeta = db.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)')
  const setSetting = db.prepare('INSERT OR REPLACE INTO setting VALUES (?, ?)')

  const wipe = createWipe(db, options.rewrittenBytes ?? limits.rewrittenStoreBytes, forgottenRows)
  const dropForgotten = createForgottenStep(db, forgottenRows)

  const inTransaction = (run: () => void): void => {
    try {
      db.transaction(run).immediate()
    } catch (thrown) {
      names.forget()
      throw thrown
    } finally {
      wipe()
    }
  }
  const andRowsLeft = (run: () => void): RowsLeft => {
    inTransaction(run)
    return forgottenRows.areLeft()
  }
  const refold = (): void => {
    folder.refold()
    setMeta.run('fold-version', foldVersion)
  }
  const methods: WriterCalls = {
    store: ({ cluster, segments }) =>
      andRowsLeft(() => {
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
    removed: (job) => inTransaction(() => removed.run(job)),
    setSetting: ({ name, json }) => inTransaction(() => setSetting.run(name, json)),
    rebuild: () => andRowsLeft(refold),
    dropForgotten: () => andRowsLeft(dropForgotten),
    close: () => {
      db.pragma('optimize')
      // What is still to be deleted would be copied.
      const isWanted = wantsRewriting(db) && !forgottenRows.areLeft()
      db.close()
      return isWanted
    },
  }
  if (metaOf(db, 'fold-version') !== foldVersion) inTransaction(refold)
  return { ready: { ...readyOf(db), rowsLeft: forgottenRows.areLeft() }, methods }
}

/** Deletes some rows of forgotten jobs as `fold/forgetting.ts` does. Runs inside the caller's transaction. */
const createForgottenStep = (db: Db, { dropNext }: ForgottenRows): (() => void) => {
  const noteRewrite = db.prepare('INSERT OR REPLACE INTO meta VALUES (?, 1)')
  return () => {
    db.pragma('secure_delete = ON')
    noteRewrite.run(rewriteNote)
    dropNext()
  }
}

/**
 * After a job was forgotten and its last row deleted: its words go from the journal, and from parts of pages
 * that were given up earlier, if the file is small enough to be written anew at once; a larger one is when nobody asks. Tried again
 * behind later transactions while somebody reads what was there before. None of that may undo what is durable
 * already.
 */
const createWipe = (
  db: Db,
  rewrittenBytes: number,
  { areLeft }: Pick<ForgottenRows, 'areLeft'>,
): (() => void) => {
  const isSmall = (): boolean => fileBytes(db).all <= rewrittenBytes
  const done = db.prepare('DELETE FROM meta WHERE name = ?')
  let isDue = isRewriteNoted(db) && isSmall()
  let toRewrite = false
  let toTruncate = false
  let isRewritten = false
  return () => {
    if (numberOf(db, 'secure_delete') === 1) {
      db.pragma('secure_delete = OFF')
      isDue = true
    }
    if (isDue && !areLeft()) {
      isDue = false
      toRewrite = isSmall()
      toTruncate = true
      isRewritten = false
    }
    if (!toTruncate) return
    try {
      if (toRewrite) db.exec('VACUUM')
      isRewritten ||= toRewrite
      toRewrite = false
      toTruncate = numberOf(db, 'wal_checkpoint(TRUNCATE)') !== 0
      if (!toTruncate && isRewritten) done.run(rewriteNote)
    } catch {
      // No room for a second copy now: the job is forgotten all the same, and its words go later.
      toRewrite = false
    }
  }
}

const numberOf = (db: Db, pragma: string): number => Number(db.pragma(pragma, { simple: true }))

const fileBytes = (db: Db): { readonly all: number; readonly free: number } => {
  const page = numberOf(db, 'page_size')
  return { all: page * numberOf(db, 'page_count'), free: page * numberOf(db, 'freelist_count') }
}

const isRewriteNoted = (db: Db): boolean => metaOf(db, rewriteNote) !== undefined

/** Words of forgotten jobs may stand in parts of pages that were given up, or much of the file is free. */
const wantsRewriting = (db: Db): boolean => {
  const { all, free } = fileBytes(db)
  return isRewriteNoted(db) || (free >= limits.freeStoreBytes && free >= all / 4)
}

const metaOf = (db: Db, name: string): unknown =>
  db.prepare<[string]>('SELECT value FROM meta WHERE name = ?').pluck().get(name)

const readyOf = (db: Db): Omit<WriterReady, 'rowsLeft'> => {
  const logs = db
    .prepare<[], WriterReady['logs'][number]>(
      'SELECT origin, incarnation, sequence, lower(hex(hash)) AS hash FROM log ORDER BY id',
    )
    .all()
  return { cluster: (metaOf(db, 'cluster') as ClusterId | undefined) ?? null, logs }
}

serveCalls(open, toStoreError)
