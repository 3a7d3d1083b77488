import type { TakenPage } from '#agent/ports/views.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { RecordKind } from '#protocol/model/record.ts'
import type { VersionVector } from '#protocol/model/log-position.ts'
import { openForReading, toStoreError } from './database.ts'
import type { Db } from './database.ts'
import { createAttemptQuery } from './queries/attempts.ts'
import { createCommitQueries } from './queries/commits.ts'
import type { CommitColumns } from './queries/commits.ts'
import { createCommitRuns } from './queries/commit-runs.ts'
import { createContents } from './queries/contents.ts'
import type { CommitRange } from './queries/commit-runs.ts'
import { createDigest } from './queries/digest.ts'
import { createFailureQueries } from './queries/failures.ts'
import { createJobQueries } from './queries/jobs.ts'
import { createSmallQueries } from './queries/models.ts'
import { createRegistryQueries } from './queries/registry.ts'
import { createRemains } from './queries/remains.ts'
import { createPackQuery } from './queries/packs.ts'
import { createPipelineQueries } from './queries/pipelines.ts'
import { createRowsOfItems } from './queries/rows-of-items.ts'
import type { ItemRange } from './queries/rows-of-items.ts'
import { createRowSizes } from './queries/row-sizes.ts'
import { createRowQueries } from './queries/rows.ts'
import { createSharedRows } from './queries/shared-rows.ts'
import { createSegmentQueries } from './queries/segments.ts'
import { serveCalls } from './thread/calls.ts'
import type { ThreadOptions } from './thread/calls.ts'

/** Root of the thread that reads: long queries delay neither the agent's loop nor the writer. */
const open = (options: ThreadOptions) => {
  const db = openForReading(options)
  const jobs = createJobQueries(db)
  const commits = createCommitQueries(db)
  const commitRuns = createCommitRuns(db)
  const failures = createFailureQueries(db)
  const small = createSmallQueries(db)
  const registry = createRegistryQueries(db)
  const segments = createSegmentQueries(db)
  const methods = {
    jobs: (limit: number) => jobs.jobs(limit),
    job: (job: JobId) => jobs.job(job),
    findJobs: (prefix: string) => jobs.findJobs(prefix),
    openJobs: () => jobs.openJobs(),
    planChunks: (job: JobId) => jobs.planChunks(job),
    shares: (job: JobId) => jobs.shares(job),
    halved: (job: JobId) => jobs.halved(job),
    commits: (job: JobId) => commits.commits(job) as unknown as CommitColumns,
    commitRuns: (range: CommitRange) => commitRuns(range),
    charges: (job: JobId) => commits.charges(job),
    missingRows: (job: JobId) => commits.missingRows(job),
    rowSizes: createRowSizes(db),
    ...createRemains(db),
    sealFacts: (job: JobId) => commits.sealFacts(job),
    packs: createPackQuery(db),
    attempts: createAttemptQuery(db),
    rows: createRowQueries(db).rows,
    failureGroups: (of: { readonly job: JobId; readonly limit: number }) =>
      failures.failureGroups(of.job, of.limit),
    models: () => small.models(),
    model: (of: { readonly name: string; readonly version: number | undefined }) =>
      small.model(of.name, of.version),
    datastores: () => registry.datastores(),
    datasets: () => registry.datasets(),
    dataset: (of: { readonly name: string; readonly version: number | undefined }) =>
      registry.dataset(of.name, of.version),
    highestVersion: (of: { readonly kind: 'datastore' | 'dataset'; readonly name: string }) =>
      registry.highest(of.kind, of.name),
    pools: () => small.pools(),
    poolClock: (name: string) => small.poolClock(name),
    ...createPipelineQueries(db),
    ...createRowsOfJobs(db),
    setting: (name: string) => small.setting(name),
    hashAt: (of: {
      readonly origin: PeerId
      readonly incarnation: number
      readonly sequence: number
    }) => segments.hashAt(of),
    missingFrom: (of: { readonly theirs: VersionVector; readonly bytes: number }) =>
      segments.missingFrom(of.theirs, of.bytes),
    replay: (of: { readonly kinds: readonly RecordKind[]; readonly after: number }) =>
      segments.replay(of.kinds, of.after),
    digest: createDigest(db),
    close: () => {
      db.close()
    },
  }
  return { ready: undefined, methods }
}

/** What jobs that take rows over, and those that look for them, ask. */
const createRowsOfJobs = (db: Db) => {
  const rowsOfItems = createRowsOfItems(db)
  return {
    sharedRows: createSharedRows(db),
    rowsOfItems: (range: ItemRange) => rowsOfItems(range) as unknown as TakenPage,
    contents: createContents(db),
  }
}

/** What the reader can be asked. */
export type ReaderCalls = ReturnType<typeof open>['methods']

serveCalls(open, toStoreError)
