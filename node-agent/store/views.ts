import { setImmediate as turn } from 'node:timers/promises'
import type { RowsToKeep, Views } from '#agent/ports/views.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { CountedCommit } from '#protocol/model/fold.ts'
import type { JobId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { commitWidth } from './commit-width.ts'
import type { CommitColumns } from './queries/commits.ts'
import type { ReaderCalls } from './reader-thread.ts'
import { own } from './thread/own.ts'
import type { RestingThread } from './thread/resting.ts'
import type { WriterCalls } from './writer-thread.ts'

/** The views: questions go to the reader, rows and settings to the writer. Rejects with MusterFailure. */
export const createViews = (deps: {
  readonly reader: RestingThread<ReaderCalls>
  readonly writer: RestingThread<WriterCalls>
  /** See `BatchDeps`. */
  readonly rowsLeft: () => void
}): Views => {
  const { reader, writer, rowsLeft } = deps
  const keepRows = createRowKeeper(writer)
  return {
    jobs: (limit) => reader.call('jobs', limit),
    job: (job) => reader.call('job', job),
    findJobs: (prefix) => reader.call('findJobs', prefix),
    openJobs: () => reader.call('openJobs'),
    planChunks: (job) => reader.call('planChunks', job),
    commits: async (job) => toCommits(job, await reader.call('commits', job)),
    commitRuns: (job, from, to) => reader.call('commitRuns', { job, from, to }),
    charges: (job) => reader.call('charges', job),
    halved: (job) => reader.call('halved', job),
    shares: (job) => reader.call('shares', job),
    missingRows: (job) => reader.call('missingRows', job),
    keepRows,
    packs: (job, after, limit) => reader.call('packs', { job, after, limit }),
    attempts: (query) => reader.call('attempts', query),
    rows: (query) => reader.call('rows', query),
    rowSizes: () => reader.call('rowSizes'),
    dropRows: (job) => writer.call('dropRows', job),
    toRemove: () => reader.call('toRemove'),
    removed: (job) => writer.call('removed', job),
    unnamed: (blobs) => reader.call('unnamed', blobs),
    sealFacts: (job) => reader.call('sealFacts', job),
    failureGroups: (job, limit) => reader.call('failureGroups', { job, limit }),
    models: () => reader.call('models'),
    model: (name, version) => reader.call('model', { name, version }),
    datastores: () => reader.call('datastores'),
    datasets: () => reader.call('datasets'),
    dataset: (name, version) => reader.call('dataset', { name, version }),
    highestVersion: (kind, name) => reader.call('highestVersion', { kind, name }),
    pools: () => reader.call('pools'),
    poolClock: (name) => reader.call('poolClock', name),
    pipelines: (query) => reader.call('pipelines', query),
    pipeline: (pipeline) => reader.call('pipeline', pipeline),
    findPipelines: (prefix) => reader.call('findPipelines', prefix),
    jobsWithKey: (key) => reader.call('jobsWithKey', key),
    sharedRows: (job) => reader.call('sharedRows', job),
    jobsOfStep: (run, step) => reader.call('jobsOfStep', { run, step }),
    schedules: () => reader.call('schedules'),
    contents: (job, from, to) => reader.call('contents', { job, from, to }),
    rowsOfItems: (job, first, last) => reader.call('rowsOfItems', { job, first, last }),
    setting: async (name) => {
      const json = await reader.call('setting', name)
      return json === undefined ? undefined : (JSON.parse(json) as unknown)
    },
    setSetting: (name, value) =>
      writer.call('setSetting', { name, json: JSON.stringify(value ?? null) }),
    rebuild: async () => {
      if (await writer.call('rebuild')) rowsLeft()
    },
    digest: () => reader.call('digest'),
  }
}

/** Compressed bytes of rows in one transaction, some 5,000 rows: a segment that comes meanwhile waits for its end. */
const bytesATurn = 48 * 1024

/**
 * One transaction at a time, so that between two the writer is free for a segment; calls that wait
 * meanwhile share the next, and its fsync.
 */
const createRowKeeper = (writer: RestingThread<WriterCalls>): Views['keepRows'] => {
  const waiting: {
    readonly rows: RowsToKeep
    readonly done: PromiseWithResolvers<Result<void, MusterError>>
  }[] = []
  let isRunning = false
  const takeSome = () => {
    let size = 0
    const end = waiting.findIndex(({ rows }) => {
      size += rows.packed.length
      return size > bytesATurn
    })
    return waiting.splice(0, end === -1 ? waiting.length : Math.max(1, end))
  }
  const run = async (): Promise<void> => {
    isRunning = true
    while (waiting.length > 0) {
      const some = takeSome()
      try {
        const errors = await writer.call(
          'keepRows',
          some.map(({ rows }) => rows),
        )
        for (const [at, { done }] of some.entries()) {
          const error = errors[at] ?? null
          done.resolve(error === null ? ok(undefined) : err(error))
        }
      } catch (thrown) {
        for (const { done } of some) done.reject(thrown)
      }
    }
    isRunning = false
  }
  return (rows) => {
    const done = Promise.withResolvers<Result<void, MusterError>>()
    waiting.push({ rows: { ...rows, packed: own(rows.packed) }, done })
    if (!isRunning) void run()
    return done.promise
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
