import type {
  FailureGroupView,
  JobDetailView,
  JobView,
  RowView,
} from '#protocol/control/job-views.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { Millis, PeerId } from '#protocol/model/ids.ts'
import { modelsOf } from '#protocol/model/job.ts'
import type { JobState } from '#protocol/model/job.ts'
import { specToFile } from '#protocol/spec/spec-to-file.ts'
import type { FailureGroup, PeerShare, StoredRow } from '#agent/ports/views.ts'

/** Turns folds into what the control API shows. Nothing here decides. */

export interface JobLive {
  readonly state: JobState
  readonly reason: string
  readonly leased: number
  readonly leasesLost: number
  readonly itemsPerSecond: number | null
  readonly secondsLeft: [number, number] | null
}

export type NameOf = (peer: PeerId) => string

export const jobToView = (fold: JobFold, live: JobLive, nameOf: NameOf): JobView => {
  const { job, sealed } = fold
  const { spec } = job
  const terminal = fold.committed + fold.failedMiniBatches
  const isOver = fold.closed !== null || sealed !== null
  const miniBatches = fold.miniBatches + fold.halvings
  return {
    id: job.id,
    name: spec.name,
    description: spec.description,
    tags: { ...spec.tags },
    state: live.state,
    reason: live.reason,
    headline: sealed?.headline ?? fold.closed?.reason ?? fold.planFailure,
    submitter: job.submitter,
    submitterName: nameOf(job.submitter),
    keeper: job.keeper,
    keeperName: nameOf(job.keeper),
    dataPeer: job.dataPeer,
    dataPeerName: nameOf(job.dataPeer),
    model: modelsOf(spec)
      .map(({ name, version }) => `${name}:${version}`)
      .join(', '),
    submittedAt: job.submittedAt,
    startedAt: fold.firstCommitAt,
    endedAt: sealed?.at ?? null,
    planComplete: fold.planComplete,
    items: fold.items,
    itemsSucceeded: fold.itemsSucceeded,
    itemsFailed: fold.itemsFailed,
    miniBatches,
    committed: fold.committed,
    failed: fold.failedMiniBatches,
    canceled: isOver ? Math.max(0, miniBatches - terminal) : 0,
    leased: isOver ? 0 : live.leased,
    charged: fold.charged,
    leasesLost: live.leasesLost,
    rows: fold.rows,
    rowsHere: fold.rowsHere,
    itemsPerSecond: live.itemsPerSecond,
    secondsLeft: live.secondsLeft,
    output: sealed?.output ?? '',
    pipeline: job.run?.pipeline ?? '',
    pipelineName: job.run?.name ?? '',
    step: job.run?.step ?? '',
    experiment: job.run?.experiment ?? '',
    takenOver: fold.taken?.miniBatches ?? 0,
    takenFrom: fold.taken?.from ?? '',
    reuse: fold.reuse ?? '',
    outputFiles: sealed?.outputFiles ?? null,
    forgotten:
      fold.forgotten === undefined
        ? null
        : { ...fold.forgotten, byName: nameOf(fold.forgotten.by) },
  }
}

export const jobToDetail = (
  view: JobView,
  more: {
    readonly fold: JobFold
    readonly shares: readonly PeerShare[]
    readonly failures: readonly FailureGroup[]
    readonly nameOf: NameOf
  },
): JobDetailView => {
  const { fold, shares, failures, nameOf } = more
  const items = shares.reduce((sum, share) => sum + share.items, 0)
  return {
    ...view,
    spec: { ...fold.job.spec },
    file: specToFile(fold.job.spec),
    peers: shares.map((share) => ({
      peer: share.peer,
      name: nameOf(share.peer),
      miniBatches: share.miniBatches,
      items: share.items,
      share: items === 0 ? 0 : share.items / items,
    })),
    failures: failures.map((group) => failureToView(group, nameOf)),
  }
}

const failureToView = (group: FailureGroup, nameOf: NameOf): FailureGroupView => ({
  message: group.message,
  common: group.common,
  cause: group.cause,
  count: group.count,
  first: { ...group.first, peerName: nameOf(group.first.peer) },
})

export const rowToView = (row: StoredRow, nameOf: NameOf): RowView => ({
  item: row.item,
  name: row.name,
  miniBatch: row.miniBatch,
  peer: row.peer,
  peerName: nameOf(row.peer),
  attempt: row.attempt,
  value: row.value === null ? null : (JSON.parse(row.value) as unknown),
  failure: row.failure,
})

/** Rate and time left of a job that ended: over its whole run. */
export const overallRate = (fold: JobFold): number | null => {
  const from: Millis | null = fold.firstCommitAt
  const to: Millis | null = fold.lastCommitAt
  if (from === null || to === null || to <= from) return null
  return ((fold.itemsSucceeded + fold.itemsFailed) * 1_000) / (to - from)
}
