import type { BlobHash, JobId, PeerId } from '#protocol/model/ids.ts'
import type { Db } from './database.ts'

/** Numbers for long names, given on first use. */
export interface Names {
  readonly peer: (peer: PeerId) => number
  readonly job: (job: JobId) => number
  readonly chunk: (hash: BlobHash, peer: number) => number
  /** After a transaction that was rolled back: numbers it gave do not exist. */
  readonly forget: () => void
}

/** More names than this are looked up again rather than remembered. */
const remembered = 50_000

export const createNames = (db: Db): Names => {
  const known = new Map<string, number>()
  const number = (kind: 'peer' | 'job') => {
    const find = db.prepare<[string], number>(`SELECT id FROM ${kind} WHERE name = ?`).pluck()
    const add = db.prepare<[string]>(`INSERT INTO ${kind} (name) VALUES (?)`)
    return (name: string) =>
      remember(`${kind} ${name}`, () => find.get(name) ?? Number(add.run(name).lastInsertRowid))
  }
  const remember = (key: string, find: () => number): number => {
    const at = known.get(key)
    if (at !== undefined) return at
    if (known.size >= remembered) known.clear()
    const id = find()
    known.set(key, id)
    return id
  }
  const findChunk = db
    .prepare<[Buffer, number], number>('SELECT id FROM chunk WHERE hash = ? AND peer = ?')
    .pluck()
  const addChunk = db.prepare<[Buffer, number]>('INSERT INTO chunk (hash, peer) VALUES (?, ?)')
  return {
    peer: number('peer'),
    job: number('job'),
    chunk: (hash, peer) =>
      remember(`chunk ${peer} ${hash}`, () => {
        const bytes = Buffer.from(hash, 'hex')
        return findChunk.get(bytes, peer) ?? Number(addChunk.run(bytes, peer).lastInsertRowid)
      }),
    forget: () => known.clear(),
  }
}
