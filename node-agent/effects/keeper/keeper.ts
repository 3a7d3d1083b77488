import type { Blobs } from '#agent/ports/blobs.ts'
import type { Chunks } from '#agent/ports/chunks.ts'
import type { Clock } from '#agent/ports/clock.ts'
import type { PlanReader } from '#agent/ports/plan.ts'
import type { OutputWriter } from '#agent/ports/output.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Log } from '#agent/ports/log.ts'
import type { Packs } from '#agent/ports/packs.ts'
import type { JobFold, MissingChunk, SealFacts, Views } from '#agent/ports/views.ts'
import { thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { BlobHash, JobId, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import { keepNewest } from '#protocol/model/keep-newest.ts'
import type { JobSealed } from '#protocol/model/record.ts'
import type { BlobExchange } from './blob-exchange.ts'
import { withItem } from './failed-item.ts'
import { firstFailure } from './first-failure.ts'
import { writeOutput } from './job-output.ts'
import { createPackPulls } from './pack-pulls.ts'
import type { PackPulls } from './pack-pulls.ts'

/**
 * Collects rows of jobs. For a job whose keeper this agent is: pulls chunks as they are committed, and
 * when the head has closed the job and every counted row is here, writes the output and seals. For other
 * jobs: fetches their rows once they are sealed, so that they can be browsed here offline.
 */
export interface Keeper extends AsyncDisposable {
  /** Something was recorded about the job: look whether there is work. */
  readonly jobTouched: (job: JobId) => void
  /** The owner keeps rows of more or fewer jobs than before. */
  readonly policyChanged: () => void
  /** A member came (back): chunks that could not be had may be there now. */
  readonly peerSeen: () => void
  /** Peers whose chunks of the job are missing here; for `explain`. */
  readonly waitsFor: (job: JobId) => readonly PeerId[]
  /** Why what is kept of the job could not be written yet, in a sentence; empty if there is no trouble. */
  readonly problemOf: (job: JobId) => string
}

export interface KeeperDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly log: Log
  readonly ledger: Ledger
  readonly views: Views
  readonly planReader: PlanReader
  readonly blobs: Blobs
  readonly chunks: Chunks
  readonly exchange: BlobExchange
  readonly packs: Packs
  readonly writer: OutputWriter
  /** Which rows of other agents' jobs the owner keeps here. */
  readonly policy: () => RowsPolicy
  /** Folder for the output of one run. */
  readonly outputFolder: (job: JobId) => string
  /** What a closed job comes to, by rule. */
  readonly verdict: (
    fold: JobFold,
    facts: SealFacts,
    firstFailure: string,
  ) => Pick<JobSealed, 'state' | 'headline'> & { readonly writeOutput: boolean }
  readonly nameOf: (peer: PeerId) => string
  /** A job that this agent keeps was sealed here. */
  readonly ended: (job: JobId) => void
  /** Members that may hold a chunk besides the peer that made it. */
  readonly otherHolders: () => readonly PeerId[]
}

export interface RowsPolicy {
  readonly rows: 'all' | 'own' | 'none'
  /** Bytes of other agents' rows at most, newest jobs first. */
  readonly quotaBytes: number
}

export const createKeeper = (deps: KeeperDeps): Keeper => {
  const keeping: Keeping = {
    ...deps,
    stopped: new AbortController(),
    touched: new Set(),
    waiting: new Map(),
    problems: new Map(),
    broken: new Map(),
    done: new Set(),
    expected: new Set(),
    beyond: new Set(),
    packPulls: createPackPulls(deps),
    working: undefined,
    retry: undefined,
  }
  return {
    jobTouched: (job) => {
      if (keeping.done.has(job)) return
      keeping.touched.add(job)
      if (keeping.retry === undefined) start(keeping)
    },
    peerSeen: () => {
      keeping.retry?.[Symbol.dispose]()
      keeping.retry = undefined
      if (keeping.touched.size > 0) start(keeping)
    },
    policyChanged: () => {
      applyPolicy(keeping).catch((thrown: unknown) =>
        keeping.log.error('rows could not be dropped', { detail: thrownToText(thrown) }),
      )
    },
    waitsFor: (job) => keeping.waiting.get(job) ?? [],
    problemOf: (job) => keeping.broken.get(job) ?? keeping.problems.get(job) ?? '',
    [Symbol.asyncDispose]: async () => {
      keeping.stopped.abort()
      keeping.retry?.[Symbol.dispose]()
      await keeping.working
    },
  }
}

interface Keeping extends KeeperDeps {
  readonly stopped: AbortController
  /** Jobs to look at. */
  readonly touched: Set<JobId>
  /** Peers that hold rows of a job and could not be reached. */
  readonly waiting: Map<JobId, readonly PeerId[]>
  /** Why the output of a job could not be written yet. */
  readonly problems: Map<JobId, string>
  /** Why the last look at a job was not brought to its end. */
  readonly broken: Map<JobId, string>
  /** Sealed jobs whose rows are all here. */
  readonly done: Set<JobId>
  /** Jobs of other keepers that were noted as not settled. */
  readonly expected: Set<JobId>
  readonly packPulls: PackPulls
  /** Jobs whose rows were dropped because there is no room for them. */
  readonly beyond: Set<JobId>
  working: Promise<void> | undefined
  retry: Disposable | undefined
}

/** Looks at the touched jobs, one at a time, until there is none or something must be waited for. */
const start = (keeping: Keeping): void => {
  if (keeping.working !== undefined || keeping.stopped.signal.aborted) return
  keeping.working = lookAtAll(keeping)
    .catch((thrown: unknown) => {
      if (!keeping.stopped.signal.aborted)
        keeping.log.error('keeping rows failed', { detail: thrownToText(thrown) })
    })
    .finally(() => {
      keeping.working = undefined
      if (keeping.touched.size > 0 && keeping.retry === undefined) start(keeping)
    })
}

const lookAtAll = async (keeping: Keeping): Promise<void> => {
  while (keeping.touched.size > 0 && !keeping.stopped.signal.aborted) {
    const jobs = [...keeping.touched]
    keeping.touched.clear()
    for (const job of jobs)
      await lookAt(keeping, job).then(
        () => keeping.broken.delete(job),
        (thrown: unknown) => notYet(keeping, job, thrown),
      )
    if (keeping.retry !== undefined) return
  }
}

/** A full disk, for example: what is to be done stays to be done. */
const notYet = (keeping: Keeping, job: JobId, thrown: unknown): void => {
  if (keeping.stopped.signal.aborted) return
  const detail = thrownToText(thrown)
  keeping.log.error('keeping rows failed', { job, detail })
  keeping.broken.set(job, `What came of the job could not be kept yet: ${detail}`)
  again(keeping, job)
}

/** Looks at the job again in a while. */
const again = (keeping: Keeping, job: JobId): void => {
  if (keeping.stopped.signal.aborted) return
  keeping.touched.add(job)
  keeping.retry ??= keeping.clock.after(limits.pullRetryMs, () => {
    keeping.retry = undefined
    start(keeping)
  })
}

const lookAt = async (keeping: Keeping, job: JobId): Promise<void> => {
  const fold = await keeping.views.job(job)
  if (fold === undefined) return
  const isOurs = fold.job.keeper === keeping.self
  if (!isOurs && fold.sealed === null) return expectRows(keeping, job)
  const isWanted = isOurs || wants(keeping, fold)
  if (isWanted && !(await pull(keeping, fold))) return again(keeping, job)
  if (isOurs && fold.sealed === null && !(await pullFiles(keeping, fold.job)))
    return again(keeping, job)
  if (fold.sealed !== null) {
    await keeping.packPulls.drop(job)
    await settleChunks(keeping, job, isOurs)
    keeping.done.add(job)
    keepNewest(keeping.done, limits.endedJobs)
    // Also where none are wanted any more: the agent may have been killed when its owner said so.
    return isOurs ? undefined : dropBeyondQuota(keeping)
  }
  if (fold.closed !== null) await seal(keeping, fold)
}

/** Whether the owner keeps rows of another keeper's job. */
const wants = ({ policy, self, beyond }: Keeping, { job }: JobFold): boolean => {
  const { rows } = policy()
  if (beyond.has(job.id)) return false
  if (job.spec.visibility === 'keeper' && job.submitter !== self) return false
  return rows === 'all' || (rows === 'own' && job.submitter === self)
}

/** Newest jobs keep their rows as long as there is room; those of this keeper are never dropped. */
const dropBeyondQuota = async (keeping: Keeping): Promise<void> => {
  const { views, policy, self, log } = keeping
  let room = policy().quotaBytes
  for (const { job, bytes } of await views.rowSizes()) {
    const fold = await views.job(job)
    if (fold === undefined || fold.job.keeper === self) continue
    room -= bytes
    if (room >= 0 && wants(keeping, fold)) continue
    if (room < 0) keeping.beyond.add(job)
    keepNewest(keeping.beyond, limits.endedJobs)
    log.info('rows of a job are dropped here', { job, bytes })
    await views.dropRows(job)
  }
}

/** Drops what is no longer wanted, and looks at ended jobs again: their rows may be wanted now. */
const applyPolicy = async (keeping: Keeping): Promise<void> => {
  await keeping.working
  keeping.beyond.clear()
  await dropBeyondQuota(keeping)
  keeping.done.clear()
  for (const { job, sealed } of await keeping.views.jobs(limits.snapshotJobs))
    if (sealed !== null) keeping.touched.add(job.id)
  if (keeping.retry === undefined) start(keeping)
}

/** True if every counted row is in the store. */
const pull = async (keeping: Keeping, fold: JobFold): Promise<boolean> => {
  const missing = [...(await keeping.views.missingRows(fold.job.id))]
  const chunks = missing.map(({ chunk }) => chunk)
  const away = new Set<PeerId>()
  const pullNext = async (): Promise<void> => {
    for (let next = missing.pop(); next !== undefined; next = missing.pop()) {
      if (keeping.stopped.signal.aborted) return
      if (!(await pullChunk(keeping, fold, next))) away.add(next.peer)
    }
  }
  await Promise.all(Array.from({ length: limits.chunkPulls }, pullNext))
  if (away.size === 0) keeping.waiting.delete(fold.job.id)
  else keeping.waiting.set(fold.job.id, [...away])
  if (chunks.length > 0) await dropForgotten(keeping, fold.job.id, chunks)
  return away.size === 0 && !keeping.stopped.signal.aborted
}

/** A job that was forgotten while its rows came: they are not kept, and their chunks go too. */
const dropForgotten = async (
  { views, blobs }: Keeping,
  id: JobId,
  chunks: readonly BlobHash[],
): Promise<void> => {
  if ((await views.job(id))?.forgotten === undefined) return
  for (const chunk of await views.unnamed(chunks)) await blobs.delete(chunk)
}

/** True if the files of all counted commits are here. */
const pullFiles = async (keeping: Keeping, job: Job): Promise<boolean> => {
  const away = await keeping.packPulls.pull(job, keeping.stopped.signal)
  if (away.length > 0) keeping.waiting.set(job.id, away)
  return away.length === 0 && !keeping.stopped.signal.aborted
}

const pullChunk = async (
  keeping: Keeping,
  { job }: JobFold,
  missing: MissingChunk,
): Promise<boolean> => {
  const others = [missing.peer, job.keeper, ...keeping.otherHolders()]
  const holders = others.filter((peer, i) => others.indexOf(peer) === i)
  const fetched = await keeping.exchange.fetch(missing.chunk, holders, keeping.stopped.signal)
  if (!fetched.ok) return false
  const packed = await keeping.chunks.read(missing.chunk)
  const { chunk, peer, positions } = missing
  const kept = packed.ok
    ? await keeping.views.keepRows({ chunk, job: job.id, peer, positions, packed: packed.value })
    : packed
  if (!kept.ok)
    keeping.log.error('a result chunk cannot be read', { job: job.id, error: kept.error })
  return kept.ok
}

/** Writes the output, if there is to be one, and says the final word. */
const seal = async (keeping: Keeping, fold: JobFold): Promise<void> => {
  const { id } = fold.job
  const { views } = keeping
  const facts = await views.sealFacts(id)
  const { upTo, mapHash, miniBatches, rows, succeeded } = facts
  const [found] = await views.failureGroups(id, 1)
  const group = found && (await withItem(keeping, id, found))
  const verdict = keeping.verdict(fold, facts, firstFailure(group, keeping.nameOf))
  const { writer, outputFolder, stopped } = keeping
  const written = await writeOutput(writer, fold.job, {
    outputFolder,
    mapHash,
    withRows: verdict.writeOutput,
    signal: stopped.signal,
  })
  if (!written.ok) {
    keeping.log.error('the output could not be written yet', { error: written.error })
    keeping.problems.set(id, written.error.message)
    return again(keeping, id)
  }
  keeping.problems.delete(id)
  const body = { kind: 'job-sealed', job: id, mapHash, upTo, miniBatches, rows, succeeded } as const
  const { note, ...output } = written.value
  const { state } = verdict
  const headline = [verdict.headline, note].filter((text) => text !== '').join(' ')
  const failed = fold.itemsFailed
  const at = keeping.clock.now()
  const sealed = await keeping.ledger.append([{ ...body, ...output, state, headline, failed, at }])
  if (!sealed.ok) return again(keeping, id)
  keeping.ended(id)
}

/** Rows of another keeper's job may be wanted when it is sealed, also if this agent is killed before. */
const expectRows = async ({ expected, chunks }: Keeping, job: JobId): Promise<void> => {
  if (expected.has(job)) return
  await chunks.expect(job)
  expected.add(job)
}

/** The keeper has every row, and keeps the chunks that count: nobody else needs any of them. */
const settleChunks = async (keeping: Keeping, job: JobId, isOurs: boolean): Promise<void> => {
  const { views, blobs, chunks } = keeping
  const counted = async () => new Set((await views.commits(job)).map((commit) => commit.chunk))
  if (!isOurs) for (const chunk of await counted()) await blobs.delete(chunk)
  await chunks.settle(job, isOurs ? counted : async () => new Set())
  keeping.expected.delete(job)
}
