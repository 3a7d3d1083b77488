import type { Clock } from '#agent/ports/clock.ts'
import type { PlanReader } from '#agent/ports/plan.ts'
import type { JobLeavings } from '#agent/ports/leavings.ts'
import type { Log } from '#agent/ports/log.ts'
import type { ProcessLogs, RunLogs } from '#agent/ports/logs.ts'
import type { Transport } from '#agent/ports/transport.ts'
import type { Views } from '#agent/ports/views.ts'
import type { JobView } from '#protocol/control/job-views.ts'
import { MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { miniBatchColumns, miniBatchLine } from '#protocol/model/attempt-log.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { JobId, Millis, PeerId } from '#protocol/model/ids.ts'
import { keepNewest } from '#protocol/model/keep-newest.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { logsProtocol } from '#protocol/wire/logs/protocol.ts'
import type { LogAnswer, LogsRequest } from '#protocol/wire/logs/protocol.ts'
import { withItem } from './failed-item.ts'
import { errorsCsv, overviewText, shownCauses } from './run-overview.ts'

/**
 * Logs of runs: writes the keeper's folder once a job is sealed, fetches what worker processes printed on
 * other machines into it, and answers who asks for either.
 */
export interface JobLogs extends AsyncDisposable {
  /** A job that this agent keeps is sealed. */
  readonly ended: (job: JobId) => void
  /** Writes what is missing of jobs that ended just before this agent did. */
  readonly catchUp: () => Promise<void>
  /** A member came back: its logs may be fetched now. */
  readonly peerSeen: (peer: PeerId) => void
  readonly overview: (fold: JobFold) => Promise<string>
  /** What worker processes printed, by machine, and machines with a part in the job that cannot be asked now. */
  readonly list: (fold: JobFold, signal: AbortSignal) => Promise<LogList>
  /** Logs of one machine, of one of its processes if that is given; each with its newest bytes. */
  readonly read: (
    fold: JobFold,
    of: { readonly peer: PeerId; readonly process: number | undefined },
    signal: AbortSignal,
  ) => Promise<Result<readonly FoundLog[], MusterError>>
}

export interface LogList {
  /** Absolute folder with the files of the run; empty if they are elsewhere or not written yet. */
  readonly folder: string
  readonly logs: readonly Omit<FoundLog, 'data'>[]
  readonly missing: readonly PeerId[]
}

/** `startedAt` is null for what is read from the keeper's folder, where logs of a process stand together. */
export interface FoundLog extends Omit<LogAnswer, 'startedAt'> {
  readonly peer: PeerId
  readonly startedAt: number | null
}

export interface JobLogsDeps {
  readonly self: PeerId
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
  readonly views: Pick<
    Views,
    'job' | 'jobs' | 'attempts' | 'shares' | 'charges' | 'failureGroups' | 'planChunks'
  >
  readonly planReader: Pick<PlanReader, 'items'>
  readonly transport: Pick<Transport, 'serve' | 'request' | 'connected'>
  readonly processLogs: ProcessLogs
  readonly runLogs: RunLogs
  readonly leavings: Pick<JobLeavings, 'remove'>
  readonly members: () => readonly PeerId[]
  readonly nameOf: (peer: PeerId) => string
  readonly toView: (fold: JobFold) => JobView
}

interface Logging extends JobLogsDeps {
  readonly stopped: AbortController
  /** Machines whose logs of a job are still to be fetched. */
  readonly wanted: Map<JobId, Set<PeerId>>
  readonly timers: Set<Disposable>
  /** One job after the other. */
  work: Promise<void>
}

export const createJobLogs = (deps: JobLogsDeps): JobLogs => {
  const logging: Logging = {
    ...deps,
    stopped: new AbortController(),
    wanted: new Map(),
    timers: new Set(),
    work: Promise.resolve(),
  }
  deps.transport.serve(logsProtocol, (_, request) => ownLogs(logging, request))
  return {
    ended: (job) => inTurn(logging, () => writeFiles(logging, job)),
    catchUp: () => catchUp(logging),
    peerSeen: (peer) => {
      for (const [job, peers] of logging.wanted)
        if (peers.has(peer)) inTurn(logging, () => fetchFrom(logging, job, peer))
    },
    overview: async (fold) => overviewText(await factsOf(logging, fold)),
    list: (fold, signal) => list(logging, fold, signal),
    read: (fold, of, signal) => read(logging, fold, { ...of, signal }),
    [Symbol.asyncDispose]: async () => {
      logging.stopped.abort()
      for (const timer of logging.timers) timer[Symbol.dispose]()
      await logging.work
    },
  }
}

const inTurn = (logging: Logging, act: () => Promise<unknown>): void => {
  logging.work = logging.work
    .then(async () => {
      if (!logging.stopped.signal.aborted) await act()
    })
    .catch((thrown: unknown) => {
      if (!logging.stopped.signal.aborted)
        logging.log.error('logs of a run could not be written', { detail: thrownToText(thrown) })
    })
}

const overviewFile = 'overview.txt'

/** The overview comes last: if it is there, so are the others. */
const writeFiles = async (logging: Logging, job: JobId): Promise<void> => {
  const fold = await logging.views.job(job)
  if (fold === undefined || fold.forgotten !== undefined) return
  const facts = await factsOf(logging, fold)
  const files = [
    ['mini-batches.csv', miniBatchParts(logging, job)],
    ['errors.csv', [errorsCsv(facts)]],
    [overviewFile, [overviewText(facts)]],
  ] as const
  for (const [path, parts] of files) if (!(await writeLog(logging, job, path, parts))) return
  if (fold.job.spec.runtime === 'node') collectLater(logging, fold)
}

/** True if the file stands. One of a job that was forgotten meanwhile goes: what it had may be removed already. */
const writeLog = async (
  { views, runLogs, leavings, log }: Logging,
  job: JobId,
  path: string,
  parts: Parameters<RunLogs['write']>[2],
): Promise<boolean> => {
  const written = await runLogs.write(job, path, parts)
  if ((await views.job(job))?.forgotten !== undefined) {
    await leavings.remove(job)
    return false
  }
  if (!written.ok) log.warn('a log of a run was not written', { job, error: written.error })
  return written.ok
}

const factsOf = async (logging: Logging, fold: JobFold) => {
  const { views, nameOf, toView } = logging
  const { id } = fold.job
  const groups = await views.failureGroups(id, limits.loggedCauses)
  // The overview tells these; an item's name is looked up in the plan.
  const named = groups.slice(0, shownCauses).map((group) => withItem(logging, id, group))
  const failures = [...(await Promise.all(named)), ...groups.slice(shownCauses)]
  return { fold, view: toView(fold), shares: await views.shares(id), failures, nameOf }
}

async function* miniBatchParts({ views, nameOf, stopped }: Logging, job: JobId) {
  yield `${miniBatchColumns.join(',')}\n`
  for (let after: string | undefined; ;) {
    stopped.signal.throwIfAborted()
    const query = { job, limit: limits.pageRows, ...(after === undefined ? {} : { after }) }
    const { attempts, next } = await views.attempts(query)
    yield attempts.map((one) => `${miniBatchLine(one, nameOf(one.peer))}\n`).join('')
    if (next === null) return
    after = next
  }
}

/**
 * A script may still say something in `shutdown()`: its log is whole a moment after the job, and where its machine
 * is busy some moments later. What has grown since is fetched once more.
 */
const collectLater = (logging: Logging, fold: JobFold): void => {
  const { wanted, self, transport } = logging
  const { id } = fold.job
  const sizes = new Map<PeerId, string | undefined>()
  const collect = async (): Promise<void> => {
    const all = new Set([self, ...transport.connected(), ...(await partsOf(logging, id))])
    wanted.set(id, all)
    keepNewest(wanted, limits.logWantedJobs)
    for (const peer of all) sizes.set(peer, await fetchFrom(logging, id, peer))
    later(logging, limits.logCollectAgainMs, collectGrown)
  }
  const collectGrown = async (): Promise<void> => {
    for (const [peer, size] of sizes) {
      const listed = await ask(logging, peer, { job: id, most: 0 }, logging.stopped.signal)
      if (listed.ok && sizesOf(listed.value) !== size) await fetchFrom(logging, id, peer)
    }
  }
  later(logging, limits.logCollectMs, collect)
}

const later = (logging: Logging, ms: Millis, act: () => Promise<void>): void => {
  const { clock, timers } = logging
  const timer = clock.after(ms, () => {
    timers.delete(timer)
    inTurn(logging, act)
  })
  timers.add(timer)
}

const sizesOf = (logs: readonly FoundLog[]): string =>
  logs.map(({ process, startedAt, size }) => `${process} ${startedAt} ${size}`).join(', ')

/** Peers that committed or were charged: they surely ran something. */
const partsOf = async ({ views }: Logging, job: JobId): Promise<readonly PeerId[]> => {
  const shares = await views.shares(job)
  const charges = await views.charges(job)
  return [...new Set([...shares, ...charges].map(({ peer }) => peer))]
}

/** How large the logs there are; undefined if they could not be had. */
const fetchFrom = async (
  logging: Logging,
  job: JobId,
  peer: PeerId,
): Promise<string | undefined> => {
  const { wanted, stopped, views } = logging
  if ((await views.job(job))?.forgotten !== undefined) {
    wanted.delete(job)
    return undefined
  }
  const asked = await ask(logging, peer, { job, most: limits.scriptLogReadBytes }, stopped.signal)
  if (!asked.ok) return undefined
  const byProcess = Map.groupBy(asked.value, (one) => one.process)
  for (const [process, logs] of byProcess) {
    const parts = logs.flatMap(({ startedAt, data }) => [
      `--- process ${process}, started ${new Date(startedAt ?? 0).toISOString()} ---\n`,
      data,
      '\n',
    ])
    await writeLog(logging, job, pathOf(logging, peer, process), parts)
  }
  const left = wanted.get(job)
  left?.delete(peer)
  if (left?.size === 0) wanted.delete(job)
  return sizesOf(asked.value)
}

const pathOf = (logging: Logging, peer: PeerId, process: number): string =>
  `${folderOf(logging, peer)}/process-${process}.log`

/** Folder of a machine's logs: its name as every system can hold it, told apart where two have the same. */
const folderOf = ({ members, nameOf }: Logging, peer: PeerId): string => {
  const plain = (one: PeerId): string => nameOf(one).replaceAll(/[^\p{L}\p{N}_-]+/gu, '_')
  const name = plain(peer)
  const isShared = members().some((one) => one !== peer && plain(one) === name)
  return isShared || name === '' ? `${name}-${peer.slice(-8)}` : name
}

async function* ownLogs(
  { processLogs }: Logging,
  { job, process, most }: LogsRequest,
): AsyncGenerator<LogAnswer> {
  const all = await processLogs.list(job)
  const logs = all.filter((one) => process === undefined || one.process === process)
  const each = Math.min(most, limits.scriptLogReadBytes)
  for (const log of logs.slice(-limits.scriptLogsPerJob)) {
    const data = each === 0 ? new Uint8Array() : await processLogs.read(job, log, each)
    yield { process: log.process, startedAt: log.startedAt, size: log.bytes, data }
  }
}

/** What a machine has, this one or another. */
const ask = async (
  logging: Logging,
  peer: PeerId,
  request: LogsRequest,
  signal: AbortSignal,
): Promise<Result<readonly FoundLog[], MusterError>> => {
  const answers =
    peer === logging.self
      ? ownLogs(logging, request)
      : logging.transport.request(peer, logsProtocol, request, signal)
  const found: FoundLog[] = []
  try {
    for await (const answer of answers) {
      found.push({ ...answer, peer })
      if (found.length >= limits.scriptLogsPerJob) break
    }
    return ok(found)
  } catch (thrown) {
    if (thrown instanceof MusterFailure) return err(thrown.error)
    throw thrown
  }
}

const list = async (logging: Logging, fold: JobFold, signal: AbortSignal): Promise<LogList> => {
  const { runLogs, transport, self } = logging
  const { id, spec } = fold.job
  const collected = await runLogs.list(id)
  const isWritten = collected.some(({ path }) => path === overviewFile)
  const folder = isWritten ? runLogs.folder(id) : ''
  if (spec.runtime !== 'node') return { folder, logs: [], missing: [] }
  const peers = new Set([self, ...transport.connected(), ...(await partsOf(logging, id))])
  const asked = [...peers].map(async (peer) => {
    const answer = await ask(logging, peer, { job: id, most: 0 }, signal)
    if (answer.ok) return { logs: answer.value, missing: [] }
    const logs = collectedOf(logging, peer, collected)
    return { logs, missing: logs.length === 0 ? [peer] : [] }
  })
  const found = await Promise.all(asked)
  const logs = found.flatMap((one) => one.logs)
  return { folder, logs, missing: found.flatMap((one) => one.missing) }
}

type RunFiles = Awaited<ReturnType<RunLogs['list']>>

/** Logs of a machine that were fetched before. */
const collectedOf = (logging: Logging, peer: PeerId, files: RunFiles): readonly FoundLog[] => {
  const start = `${folderOf(logging, peer)}/`
  return files.flatMap(({ path, bytes }) => {
    const [, process] = /process-(\d+)\.log$/.exec(path) ?? []
    if (!path.startsWith(start) || process === undefined) return []
    const none = { startedAt: null, data: new Uint8Array() }
    return [{ ...none, peer, process: Number(process), size: bytes }]
  })
}

const read = async (
  logging: Logging,
  { job }: JobFold,
  of: {
    readonly peer: PeerId
    readonly process: number | undefined
    readonly signal: AbortSignal
  },
): Promise<Result<readonly FoundLog[], MusterError>> => {
  const { peer, process } = of
  const most = limits.scriptLogReadBytes
  const request = { job: job.id, most, ...(process === undefined ? {} : { process }) }
  const asked = await ask(logging, peer, request, of.signal)
  if (asked.ok) return asked
  const files = collectedOf(logging, peer, await logging.runLogs.list(job.id))
  const kept = files.filter((one) => process === undefined || one.process === process)
  if (kept.length === 0) return asked
  const reading = kept.map(async (one) => ({
    ...one,
    data: await logging.runLogs.read(job.id, pathOf(logging, peer, one.process), most),
  }))
  return ok(await Promise.all(reading))
}

const catchUp = async (logging: Logging): Promise<void> => {
  const { views, self, runLogs } = logging
  for (const { job, sealed, forgotten } of await views.jobs(limits.logCatchUpJobs)) {
    if (job.keeper !== self || sealed === null || forgotten !== undefined) continue
    const files = await runLogs.list(job.id)
    if (!files.some(({ path }) => path === overviewFile))
      inTurn(logging, () => writeFiles(logging, job.id))
    else if (job.spec.runtime === 'node') inTurn(logging, () => wantMissing(logging, job.id, files))
  }
}

/** Who had a part in the job and could not be asked, or not any more, before this agent ended. */
const wantMissing = async (logging: Logging, job: JobId, files: RunFiles): Promise<void> => {
  const { wanted, self } = logging
  const parts = await partsOf(logging, job)
  const missing = parts.filter((peer) => collectedOf(logging, peer, files).length === 0)
  if (missing.length === 0) return
  wanted.set(job, new Set(missing))
  keepNewest(wanted, limits.logWantedJobs)
  for (const peer of [self, ...logging.transport.connected()])
    if (missing.includes(peer)) await fetchFrom(logging, job, peer)
}
