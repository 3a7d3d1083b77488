import type { JobForgotten } from '#protocol/model/forgotten.ts'
import { isForgettable } from '#protocol/model/forgettable.ts'
import { forgottenFold } from '#protocol/model/fold.ts'
import type { CountedCommit, JobFold } from '#protocol/model/fold.ts'
import { isHalf } from '#protocol/model/half.ts'
import type { JobId, MiniBatchIndex, Millis, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import { pathOf } from '#protocol/model/plan-ranges.ts'
import type {
  Charge,
  Committed,
  JobPauseChanged,
  PlanChunkWritten,
  RecordBody,
  TakenOver,
} from '#protocol/model/record.ts'
import type { RecordHeader, VerifiedRecord } from '#protocol/model/segment.ts'
import type { VersionVector } from '#protocol/model/log-position.ts'
import { byRank, byTermRank } from './rank.ts'
import { covers } from './vector.ts'

/**
 * What records say of jobs, folded in memory. Facts are kept as they come and judged when asked, so no
 * order of arrival can matter: the plainest form of the rules, against which the store's tables are proven.
 */
export interface JobFolds {
  /** Other kinds than those of jobs and roles are ignored; so is a record that was added before. */
  readonly add: (record: VerifiedRecord) => void
  /** Undefined until the submission itself is known. */
  readonly job: (job: JobId) => Omit<JobFold, 'rowsHere'> | undefined
  /** Newest first. */
  readonly jobs: () => readonly Omit<JobFold, 'rowsHere'>[]
  readonly planChunks: (job: JobId) => readonly PlanChunkWritten[]
  /** Counted commits in mini-batch order. */
  readonly commits: (job: JobId) => readonly CountedCommit[]
  /** Charges that count, by mini-batch, then attempt. */
  readonly charges: (job: JobId) => readonly Charge[]
  /** Mini-batches that were halved, ascending. */
  readonly halved: (job: JobId) => readonly MiniBatchIndex[]
}

/** A record's body with the header that says who wrote it, and where. */
export interface Said<Body> {
  readonly header: RecordHeader
  readonly body: Body
}

export const createJobFolds = (): JobFolds => {
  const facts = new Map<JobId, JobFacts>()
  const seen = new Set<string>()
  const roles: Said<RecordBody>[] = []
  const judged = (id: JobId): JudgedJob | undefined => {
    const of = facts.get(id)
    return of === undefined ? undefined : (of.judged ??= judge(of, everAdmins(roles)))
  }
  return {
    add: (record) => {
      if (record.body === undefined || seen.has(record.hash)) return
      if (speaksOfRoles(record.body)) {
        roles.push({ header: record.header, body: record.body })
        for (const of of facts.values()) of.judged = undefined
      }
      const id = jobOf(record.body)
      if (id === undefined) return
      seen.add(record.hash)
      const of = facts.get(id) ?? { judged: undefined, said: [] }
      of.said.push({ header: record.header, body: record.body })
      of.judged = undefined
      facts.set(id, of)
    },
    job: (id) => judged(id)?.fold,
    jobs: () =>
      [...facts.keys()]
        .flatMap((id) => judged(id)?.fold ?? [])
        .sort((a, b) => b.job.submittedAt - a.job.submittedAt || (a.job.id < b.job.id ? 1 : -1)),
    planChunks: (id) => judged(id)?.planChunks ?? [],
    commits: (id) => judged(id)?.commits ?? [],
    charges: (id) => judged(id)?.charges ?? [],
    halved: (id) => judged(id)?.halved ?? [],
  }
}

// --- details -----------------------------------------------------------------------------------

interface JobFacts {
  judged: JudgedJob | undefined
  readonly said: Said<RecordBody>[]
}

interface JudgedJob {
  readonly fold: Omit<JobFold, 'rowsHere'> | undefined
  readonly planChunks: readonly PlanChunkWritten[]
  readonly commits: readonly CountedCommit[]
  readonly charges: readonly Charge[]
  readonly halved: readonly MiniBatchIndex[]
}

const jobOf = (body: RecordBody): JobId | undefined =>
  body.kind === 'job-submitted' ? body.job.id : 'job' in body ? body.job : undefined

const ofKind = <Kind extends RecordBody['kind']>(
  said: readonly Said<RecordBody>[],
  kind: Kind,
): readonly Said<Extract<RecordBody, { kind: Kind }>>[] =>
  said.flatMap(({ header, body }) =>
    body.kind === kind ? [{ header, body: body as Extract<RecordBody, { kind: Kind }> }] : [],
  )

const speaksOfRoles = ({ kind }: RecordBody): boolean =>
  kind === 'cluster-created' || kind === 'member-added' || kind === 'roles-changed'

/** The creator, those it ever made admins, those whom these did: it only grows, whatever comes when. */
const everAdmins = (said: readonly Said<RecordBody>[]): ReadonlySet<PeerId> => {
  const admins = new Set(
    said.flatMap(({ body }) => (body.kind === 'cluster-created' ? [body.creator] : [])),
  )
  for (let before = -1; before < admins.size;) {
    before = admins.size
    for (const { header, body } of said) {
      if (body.kind !== 'member-added' && body.kind !== 'roles-changed') continue
      if (admins.has(header.origin) && body.roles.includes('admin')) admins.add(body.peer)
    }
  }
  return admins
}

type HeadKind = 'committed' | 'charged' | 'mini-batches-halved' | 'job-closed'

/** Of a head's records only those count that the head of the term wrote itself. */
const byHead = <Body extends Extract<RecordBody, { kind: HeadKind }>>(
  said: readonly Said<Body>[],
): readonly Said<Body>[] =>
  said.filter(({ header, body }) => body.term.head === header.origin).toSorted(byTermRank)

const judge = ({ said }: JobFacts, admins: ReadonlySet<PeerId>): JudgedJob => {
  const submissions = ofKind(said, 'job-submitted').filter(
    ({ header, body }) => body.job.submitter === header.origin,
  )
  const job = submissions.toSorted(
    (a, b) => a.body.job.submittedAt - b.body.job.submittedAt || byRank(a, b),
  )[0]?.body.job
  const submitters = new Set(submissions.map(({ header }) => header.origin))
  const forgotten = ofKind(said, 'job-forgotten')
    .filter(({ header: { origin } }) => submitters.has(origin) || admins.has(origin))
    .toSorted((a, b) => a.body.at - b.body.at || byRank(a, b))[0]
  return forgotten === undefined ? judgeWhole(job, said) : judgeForgotten(job, said, forgotten)
}

/** Whatever else is known of it, here or elsewhere: only its submission and its end are left. */
const judgeForgotten = (
  job: Job | undefined,
  said: readonly Said<RecordBody>[],
  { header, body }: Said<JobForgotten>,
): JudgedJob => {
  const kept = said.filter((one) => !isForgettable(one.body))
  const fold =
    job === undefined
      ? undefined
      : { ...ends(kept, job), ...forgottenFold(body, header.origin), job }
  return { fold, planChunks: [], commits: [], charges: [], halved: [] }
}

const judgeWhole = (job: Job | undefined, said: readonly Said<RecordBody>[]): JudgedJob => {
  const sealed =
    ofKind(said, 'job-sealed')
      .filter(({ header }) => header.origin === job?.keeper)
      .toSorted(byRank)[0]?.body ?? null
  const counts = ({ header }: Said<unknown>): boolean => isCovered(sealed?.upTo, header)
  const committed = byHead(ofKind(said, 'committed')).filter(counts)
  const planChunks = job === undefined ? [] : planOf(job, said)
  const parts = partsOf(planChunks, countCommits(committed))
  const { commits } = parts
  const charges = byHead(ofKind(said, 'charged'))
    .filter(counts)
    .flatMap(({ body }) => body.charges)
    .toSorted((a, b) => a.miniBatch - b.miniBatch || a.attempt - b.attempt)
  const parents = byHead(ofKind(said, 'mini-batches-halved'))
    .filter(counts)
    .flatMap(({ body }) => body.halvings.map((halving) => halving.parent))
  const halved = [...new Set(parents)].filter((parent) => !parts.isDone(parent))
  const fold =
    job === undefined
      ? undefined
      : {
          ...sums({ parts, charges, planChunks, halved }),
          ...times(committed),
          ...ends(said, job),
          job,
          sealed,
        }
  return { fold, planChunks, commits, charges, halved: halved.sort((a, b) => a - b) }
}

/** Commits with the rule for halves: what is part of a committed mini-batch does not count beside it. */
interface Parts {
  readonly commits: readonly CountedCommit[]
  /** True if a mini-batch, or one that it is part of, has a commit that counts. */
  readonly isDone: (miniBatch: MiniBatchIndex) => boolean
}

const partsOf = (
  planChunks: readonly PlanChunkWritten[],
  found: readonly CountedCommit[],
): Parts => {
  const committed = new Set(found.map((commit) => commit.miniBatch))
  const isPart = (miniBatch: MiniBatchIndex): boolean =>
    isHalf(miniBatch) &&
    (pathOf(planChunks, miniBatch) ?? [])
      .slice(0, -1)
      .some((outer) => committed.has(outer.miniBatch))
  return {
    commits: found.filter(({ miniBatch }) => !isPart(miniBatch)),
    isDone: (miniBatch) => committed.has(miniBatch) || isPart(miniBatch),
  }
}

/** After a seal only what its keeper had read counts. */
const isCovered = (upTo: VersionVector | undefined, header: RecordHeader): boolean =>
  upTo === undefined || covers(upTo, header)

/** @param committed in rank order: the first word on a mini-batch counts */
const countCommits = (committed: readonly Said<Committed>[]): readonly CountedCommit[] => {
  const counted = new Map<MiniBatchIndex, CountedCommit>()
  for (const { body } of committed) {
    for (const group of body.groups) {
      for (const [at, miniBatch] of group.miniBatches.entries()) {
        if (counted.has(miniBatch)) continue
        counted.set(miniBatch, {
          job: body.job,
          miniBatch,
          attempt: group.attempts[at] ?? 0,
          peer: group.peer,
          chunk: group.chunk,
          position: group.positions[at] ?? 0,
          succeeded: group.succeeded[at] ?? 0,
          failed: group.failed[at] ?? 0,
          rows: group.rows[at] ?? 0,
        })
      }
    }
  }
  return [...counted.values()].sort((a, b) => a.miniBatch - b.miniBatch)
}

const planOf = (job: Job, said: readonly Said<RecordBody>[]): readonly PlanChunkWritten[] => {
  const byChunk = new Map<number, PlanChunkWritten>()
  const written = ofKind(said, 'plan-chunk-written').filter(
    ({ header }) => header.origin === job.dataPeer,
  )
  for (const { body } of written.toSorted(byRank)) {
    if (!byChunk.has(body.chunk)) byChunk.set(body.chunk, body)
  }
  return [...byChunk.values()].sort((a, b) => a.chunk - b.chunk)
}

const sums = ({
  parts,
  charges,
  planChunks,
  halved,
}: {
  readonly parts: Parts
  readonly charges: readonly Charge[]
  readonly planChunks: readonly PlanChunkWritten[]
  readonly halved: readonly MiniBatchIndex[]
}) => {
  const { commits } = parts
  const inHalves = new Set(halved)
  const final = charges.filter((c) => c.final).map((c) => c.miniBatch)
  const failed = new Set(final.filter((one) => !parts.isDone(one) && !inHalves.has(one)))
  const total = (of: (commit: CountedCommit) => number) =>
    commits.reduce((sum, commit) => sum + of(commit), 0)
  const items = [...failed].reduce(
    (sum, miniBatch) => sum + (pathOf(planChunks, miniBatch)?.at(-1)?.items ?? 0),
    0,
  )
  return {
    items: planChunks.reduce((sum, chunk) => sum + chunk.items, 0),
    miniBatches: planChunks.reduce((sum, chunk) => sum + chunk.miniBatches, 0),
    halvings: halved.length,
    planComplete: isPlanComplete(planChunks),
    ...takenOf(planChunks),
    ...reuseOf(planChunks),
    committed: commits.length,
    itemsSucceeded: total((commit) => commit.succeeded),
    itemsFailed: total((commit) => commit.failed) + items,
    rows: total((commit) => commit.rows),
    failedMiniBatches: failed.size,
    charged: charges.length,
  }
}

/** All chunks from 0 to one that calls itself the last. */
const isPlanComplete = (planChunks: readonly PlanChunkWritten[]): boolean =>
  planChunks.at(-1)?.last === true && planChunks.every((chunk, index) => chunk.chunk === index)

const takenOf = (planChunks: readonly PlanChunkWritten[]): { readonly taken?: TakenOver } => {
  const taken = planChunks.flatMap((chunk) => chunk.taken ?? [])
  const [from] = taken.map((one) => one.from).toSorted((a, b) => (a < b ? -1 : 1))
  if (from === undefined) return {}
  return { taken: { from, miniBatches: taken.reduce((sum, one) => sum + one.miniBatches, 0) } }
}

const reuseOf = (planChunks: readonly PlanChunkWritten[]): Pick<JobFold, 'reuse'> => {
  const reuse = planChunks.findLast((chunk) => chunk.reuse !== undefined)?.reuse
  return reuse === undefined ? {} : { reuse }
}

const times = (committed: readonly Said<Committed>[]) => ({
  firstCommitAt: least(committed.map(({ body }) => body.at)),
  lastCommitAt: committed.reduce<Millis | null>(
    (most, { body }) => (most === null || body.at > most ? body.at : most),
    null,
  ),
})

const ends = (said: readonly Said<RecordBody>[], job: Job) => ({
  planFailure:
    ofKind(said, 'plan-failed')
      .filter(({ header }) => header.origin === job.dataPeer)
      .toSorted(byRank)[0]?.body.message ?? '',
  cancelRequestedAt: least(ofKind(said, 'job-cancel-requested').map(({ body }) => body.at)),
  closed: byHead(ofKind(said, 'job-closed'))[0]?.body ?? null,
  ...pauseOf(ofKind(said, 'job-pause-changed')),
})

/** The last word by (clock, origin, sequence). */
const pauseOf = (said: readonly Said<JobPauseChanged>[]) => {
  const last = said.toSorted((a, b) => a.body.clock - b.body.clock || byRank(a, b)).at(-1)?.body
  return {
    pausedAt: last?.paused === true ? last.at : null,
    pauseClock: last?.clock ?? 0,
  }
}

const least = (values: readonly Millis[]): Millis | null =>
  values.reduce<Millis | null>((low, value) => (low === null || value < low ? value : low), null)
