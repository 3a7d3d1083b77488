import { setImmediate as turn } from 'node:timers/promises'
import type { Views } from '#agent/ports/views.ts'
import type { CountedCommit } from '#protocol/model/fold.ts'
import type { JobId } from '#protocol/model/ids.ts'
import { commitWidth } from './commit-width.ts'
import type { CommitColumns } from './queries/commits.ts'
import type { ReaderCalls } from './reader-thread.ts'
import type { Thread } from './thread/start.ts'
import type { WriterCalls } from './writer-thread.ts'

/** The views: questions go to the reader, rows and settings to the writer. Rejects with MusterFailure. */
export const createViews = (deps: {
  readonly reader: Thread<ReaderCalls>
  readonly writer: Thread<WriterCalls>
}): Views => {
  const { reader, writer } = deps
  // One at a time: between two chunks of rows the writer is free for a segment.
  let lastKept: Promise<void> = Promise.resolve()
  return {
    jobs: (limit) => reader.call('jobs', limit),
    job: (job) => reader.call('job', job),
    findJobs: (prefix) => reader.call('findJobs', prefix),
    openJobs: () => reader.call('openJobs'),
    planChunks: (job) => reader.call('planChunks', job),
    commits: async (job) => toCommits(job, await reader.call('commits', job)),
    charges: (job) => reader.call('charges', job),
    shares: (job) => reader.call('shares', job),
    missingRows: (job) => reader.call('missingRows', job),
    keepRows: (chunk, job, peer, entries) => {
      const kept = lastKept.then(() => writer.call('keepRows', { chunk, job, peer, entries }))
      lastKept = kept.catch(() => undefined)
      return kept
    },
    rows: (query) => reader.call('rows', query),
    sealFacts: (job) => reader.call('sealFacts', job),
    failureGroups: (job, limit) => reader.call('failureGroups', { job, limit }),
    models: () => reader.call('models'),
    model: (name, version) => reader.call('model', { name, version }),
    setting: async (name) => {
      const json = await reader.call('setting', name)
      return json === undefined ? undefined : (JSON.parse(json) as unknown)
    },
    setSetting: (name, value) =>
      writer.call('setSetting', { name, json: JSON.stringify(value ?? null) }),
    rebuild: () => writer.call('rebuild'),
    digest: () => reader.call('digest'),
  }
}

/** Objects made from columns in one go, before the agent's loop gets its turn. */
const commitsATurn = 20_000

const toCommits = async (
  job: JobId,
  { columns, chunks }: CommitColumns,
): Promise<readonly CountedCommit[]> => {
  const commits: CountedCommit[] = []
  for (let at = 0; at < columns.length; at += commitWidth) {
    if (commits.length % commitsATurn === commitsATurn - 1) await turn()
    const number = (column: number): number => columns[at + column] ?? 0
    const source = chunks[number(1)]
    if (source === undefined) throw new Error('a commit without a chunk')
    commits.push({
      job,
      miniBatch: number(0),
      chunk: source.chunk,
      peer: source.peer,
      position: number(2),
      attempt: number(3),
      succeeded: number(4),
      failed: number(5),
      rows: number(6),
    })
  }
  return commits
}
