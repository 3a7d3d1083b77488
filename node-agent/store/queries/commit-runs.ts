import type { CommitRun } from '#agent/ports/views.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { Db } from '../database.ts'

export interface CommitRange {
  readonly job: JobId
  readonly from: number
  readonly to: number
}

/** Counted commits of a range of mini-batches as runs of one peer: a million of them in a few thousand runs. */
export const createCommitRuns = (db: Db): ((range: CommitRange) => readonly CommitRun[]) => {
  const all = db
    .prepare<[string, number, number], readonly [number, number]>(
      `SELECT mini_batch, chunk.peer FROM counted_commit JOIN chunk ON chunk.id = counted_commit.chunk
       WHERE job = (SELECT id FROM job WHERE name = ?) AND mini_batch >= ? AND mini_batch < ?
       ORDER BY mini_batch`,
    )
    .raw()
  const nameOf = db
    .prepare<[number], CommitRun['peer']>('SELECT name FROM peer WHERE id = ?')
    .pluck()
  return ({ job, from, to }) => {
    const names = new Map<number, CommitRun['peer']>()
    const runs: { from: number; to: number; peer: CommitRun['peer'] }[] = []
    let last = -1
    for (const [miniBatch, peer] of all.iterate(job, from, to)) {
      const run = runs.at(-1)
      if (run !== undefined && run.to === miniBatch && last === peer) {
        run.to = miniBatch + 1
        continue
      }
      const name = names.get(peer) ?? nameOf.get(peer)
      if (name === undefined) throw new Error(`no peer ${peer}`)
      names.set(peer, name)
      runs.push({ from: miniBatch, to: miniBatch + 1, peer: name })
      last = peer
    }
    return runs
  }
}
