import { statfsSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { dirname } from 'node:path'
import process from 'node:process'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { limits } from '#protocol/limits.ts'
import { rewriteNote } from './rewrite-note.ts'

/**
 * Root of the process that writes a store anew: `rewrite-process.ts FILE`. It ends with its agent, which may
 * write again at once when it comes back: SQLite works in a thread, and the process's own looks whether its
 * agent is there.
 */
const begin = (): void => {
  const file = process.argv[2]
  if (file === undefined) throw new Error('the path of a store is missing')
  setPriority(constants.priority.PRIORITY_LOW)
  process.stdin.on('close', () => process.kill(process.pid, 'SIGKILL')).resume()
  new Worker(new URL('./rewrite-process.ts', import.meta.url), { workerData: file })
    .on('error', (thrown) => {
      process.stderr.write(thrown instanceof Error ? thrown.message : String(thrown))
      process.exitCode = 1
    })
    .on('exit', () => process.exit())
}

const rewrite = (file: string): void => {
  const db = new Database(file, { fileMustExist: true, timeout: limits.rewriteBusyMs })
  try {
    const number = (name: string): number => Number(db.pragma(name, { simple: true }))
    db.pragma('synchronous = FULL')
    const used = number('page_size') * (number('page_count') - number('freelist_count'))
    const { bavail, bsize } = statfsSync(dirname(file))
    // The copy, then the journal with all of it; and nobody else's disk is filled to the brim.
    if (bavail * bsize < 2 * used + limits.rewriteSpareBytes)
      throw new Error('the disk has no room for a copy')
    db.exec('VACUUM')
    if (number('wal_checkpoint(TRUNCATE)') !== 0)
      throw new Error('somebody still reads the old one')
    db.prepare('DELETE FROM meta WHERE name = ?').run(rewriteNote)
  } finally {
    db.close()
  }
}

if (isMainThread) begin()
else rewrite(workerData as string)
