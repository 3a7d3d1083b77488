import type { Chunks } from '#agent/ports/chunks.ts'
import type { Clock } from '#agent/ports/clock.ts'
import type { Log } from '#agent/ports/log.ts'
import type { Packs } from '#agent/ports/packs.ts'
import type { ModelRuntime, RunOutcome, WorkerProcess } from '#agent/ports/runtime.ts'
import type { WorkerEffect } from '#agent/worker/effect.ts'
import type { ProcessNumber, WorkerFact } from '#agent/worker/event.ts'
import { MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { Lease } from '#protocol/model/attempt.ts'
import { assertNever } from '#protocol/model/assert-never.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { Result } from '#protocol/model/result.ts'
import type { AttemptRows } from '#protocol/model/rows.ts'
import type { LeaseToken } from '#protocol/model/term.ts'
import type { FromWorkerMessage } from '#protocol/wire/lease/messages.ts'
import { takeFiles } from './attempt-files.ts'
import { namesOf, runOf, toFact, toRows } from './attempt-rows.ts'
import { joinInputs, splitOutcome } from './joined-runs.ts'
import type { Part } from './joined-runs.ts'
import { gatherInputs, stopInputs } from '../inputs/gathering.ts'
import type { Gathering } from '../inputs/gathering.ts'
import type { InputExchange } from '../inputs/input-exchange.ts'
import type { MemoryBook } from './memory-book.ts'
import { processKind } from './warm-processes.ts'
import type { WholeInputs } from '../inputs/whole-inputs.ts'
import type { WarmProcesses } from './warm-processes.ts'
import { createWorkerInputs, tokenKey } from '../inputs/worker-inputs.ts'
import type { WorkerInputs } from '../inputs/worker-inputs.ts'

/** Carries out what the worker's machine wants: inputs, worker processes, chunks, words to the head. */
export interface WorkerEffects extends AsyncDisposable {
  readonly run: (effect: WorkerEffect) => void
  /** Mini-batches running now. */
  readonly busy: () => number
}

export interface WorkerEffectsDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly log: Log
  readonly chunks: Chunks
  readonly packs: Packs
  readonly runtime: ModelRuntime
  readonly inputs: InputExchange
  readonly wholeInputs: WholeInputs
  readonly threads: () => number
  readonly memoryBytes: () => number
  readonly warm: WarmProcesses
  readonly memory: Pick<MemoryBook, 'fits' | 'ranOut'>
  readonly jobById: (job: JobId) => Job | undefined
  /** Makes a job's model present and gives the path of its `.onnx`; undefined if it has none. */
  readonly modelPath: Reach
  /** Makes a job's other models present and gives the paths of their `.onnx` by the script's names for them. */
  readonly modelPaths: (
    job: Job,
    signal: AbortSignal,
  ) => Promise<Result<Readonly<Record<string, string>>, MusterError>>
  /** Makes a job's script present and gives its folder; undefined if it has none. */
  readonly scriptFolder: Reach
  /** Makes a job's side inputs present and gives their folders by name. */
  readonly sideFolders: (
    job: Job,
    signal: AbortSignal,
  ) => Promise<Result<Readonly<Record<string, string>>, MusterError>>
  readonly sendToHead: (message: FromWorkerMessage) => void
  readonly tell: (fact: WorkerFact) => void
}

type Reach = (job: Job, signal: AbortSignal) => Promise<Result<string | undefined, MusterError>>

interface Running {
  /** What an idle process of it could also run. */
  readonly kind: string
  /** Number among the processes of its job. */
  readonly index: number
  readonly job: Job
  readonly aborted: AbortController
  process?: WorkerProcess
  runs: number
}

export const createWorkerEffects = (deps: WorkerEffectsDeps): WorkerEffects => {
  const { tell } = deps
  const working: Working = {
    ...deps,
    processes: new Map(),
    gathering: new Map(),
    rows: new Map(),
    prepared: createWorkerInputs({
      inputs: deps.inputs,
      jobById: deps.jobById,
      arrived: (token, bytes) => tell({ kind: 'inputArrived', token, bytes }),
      failed: (token, message) => tell({ kind: 'inputFailed', token, message }),
    }),
  }
  return {
    run: (effect) => runEffect(working, effect),
    busy: () => [...working.processes.values()].filter((running) => running.runs > 0).length,
    [Symbol.asyncDispose]: async () => {
      working.prepared[Symbol.dispose]()
      for (const { aborted } of working.gathering.values()) aborted.abort()
      const ending = [...working.processes.values()].map(async ({ aborted, process }) => {
        aborted.abort()
        process?.kill()
        await process?.exited
      })
      const gathering = [...working.gathering.values()].map(({ done }) => done)
      await Promise.all([...ending, ...gathering, working.warm[Symbol.asyncDispose]()])
    },
  }
}

interface Working extends WorkerEffectsDeps {
  readonly processes: Map<ProcessNumber, Running>
  /** Jobs whose inputs are being made ready as a whole. */
  readonly gathering: Map<JobId, Gathering>
  /** Rows that are not in a chunk yet, by lease. */
  readonly rows: Map<string, AttemptRows>
  readonly prepared: WorkerInputs
}

const runEffect = (working: Working, effect: WorkerEffect): void => {
  const { prepared, sendToHead } = working
  switch (effect.kind) {
    case 'greetHead':
      return sendToHead({ ...effect, kind: 'worker-hello' })
    case 'fetchInput':
      return prepared.fetch(effect.lease)
    case 'dropInput':
      return prepared.drop(effect.token)
    case 'gatherInputs':
      return gatherInputs(working, effect.job)
    case 'stopInputs':
      return inBackground(working, stopInputs(working, effect.job, effect.isOver))
    case 'startProcess':
      return inBackground(
        working,
        startProcess(working, effect.process, effect.job).catch((thrown: unknown) =>
          startBroke(working, effect.process, thrown),
        ),
      )
    case 'releaseProcess':
      return releaseProcess(working, effect.process)
    case 'endScript':
      return inBackground(working, endScript(working, effect.process))
    case 'killProcess': {
      const running = working.processes.get(effect.process)
      running?.aborted.abort()
      return running?.process?.kill()
    }
    case 'runAttempt':
      return inBackground(working, runAttempt(working, effect.process, effect.lease))
    case 'runJoined':
      return inBackground(working, runJoined(working, effect.process, effect.leases))
    case 'noteMemory': {
      const job = working.jobById(effect.job)
      return job && working.memory.ranOut(job, effect.processes, effect.items)
    }
    case 'packChunk':
      return inBackground(working, packChunk(working, effect.job, effect.tokens))
    case 'dropRows':
      for (const token of effect.tokens) working.rows.delete(tokenKey(token))
      return
    case 'sendStarted':
      return sendToHead({ kind: 'leases-started', tokens: effect.tokens })
    case 'sendReports':
      return sendToHead({ kind: 'attempts-finished', reports: effect.reports })
    case 'sendReturned':
      return sendToHead({ ...effect, kind: 'leases-returned' })
    case 'sendInitFailed':
      return sendToHead({ ...effect, kind: 'init-failed' })
    case 'sendNote':
      return sendToHead({ ...effect, kind: 'job-noted' })
    case 'sendSlots':
      return sendToHead({ ...effect, kind: 'slots-changed' })
    default:
      return assertNever(effect)
  }
}

/** Work that ends in an event of its own; anything thrown is a defect and must be seen. */
const inBackground = ({ log }: Working, work: Promise<void>): void => {
  work.catch((thrown: unknown) =>
    log.error('a worker effect failed', { detail: thrownToText(thrown) }),
  )
}

const startProcess = async (
  working: Working,
  number: ProcessNumber,
  jobId: JobId,
): Promise<void> => {
  const { tell } = working
  const job = working.jobById(jobId)
  if (job === undefined) {
    const message = 'The job is not known here.'
    return tell({ kind: 'processFailed', process: number, why: 'reach', message })
  }
  const index = freeIndex(working, jobId)
  const kind = processKind(job, working.threads(), working.memoryBytes())
  const running: Running = { job, index, kind, aborted: new AbortController(), runs: 0 }
  working.processes.set(number, running)
  const warm = working.warm.take(kind)
  working.warm.makeRoom(working.processes.size)
  if (warm !== undefined && 'run' in warm) return watchProcess(working, number, running, warm)
  const fail = (why: 'reach' | 'init', error: MusterError): void => {
    working.processes.delete(number)
    if (why === 'reach') warm?.kill()
    working.log.warn('worker process did not start', { job: jobId, error })
    tell({ kind: 'processFailed', process: number, why, message: error.message })
  }
  const { signal } = running.aborted
  const model = await working.modelPath(job, signal)
  if (!model.ok) return fail('reach', model.error)
  const models = await working.modelPaths(job, signal)
  if (!models.ok) return fail('reach', models.error)
  const folder = await working.scriptFolder(job, signal)
  if (!folder.ok) return fail('reach', folder.error)
  const sides = await working.sideFolders(job, signal)
  if (!sides.ok) return fail('reach', sides.error)
  const started = await (warm ?? working.runtime).start({
    spec: job.spec,
    modelPath: model.value,
    models: models.value,
    ...(folder.value === undefined ? {} : { scriptFolder: folder.value }),
    sideInputs: sides.value,
    directFolders: working.wholeInputs.directFolders(jobId),
    job: jobId,
    workerIndex: index,
    threads: working.threads(),
    memoryBytes: working.memoryBytes(),
    signal,
  })
  if (!started.ok) return fail('init', started.error)
  if (signal.aborted) started.value.kill()
  return watchProcess(working, number, running, started.value)
}

/** Its slot must come free whatever happened, such as a disk that cannot be read. */
const startBroke = (
  { processes, tell }: Working,
  process: ProcessNumber,
  thrown: unknown,
): never => {
  processes.delete(process)
  const message = `The worker process could not be started: ${thrownToText(thrown)}`
  tell({ kind: 'processFailed', process, why: 'reach', message })
  throw thrown
}

/** A process that is ready, until it is gone or no longer this job's. */
const watchProcess = async (
  working: Working,
  number: ProcessNumber,
  running: Running,
  process: WorkerProcess,
): Promise<void> => {
  const { processes, tell } = working
  running.process = process
  if (!running.aborted.signal.aborted)
    tell({ kind: 'processStarted', process: number, index: running.index })
  const exit = await process.exited
  if (processes.get(number) !== running) return
  processes.delete(number)
  tell({ kind: 'processExited', process: number, how: exit.kind, message: exit.message })
}

const releaseProcess = ({ processes, warm }: Working, number: ProcessNumber): void => {
  const running = processes.get(number)
  const { process, kind, runs = 0 } = running ?? {}
  // A run that no longer counts is still under way: it would delay the next job.
  if (process === undefined || kind === undefined || runs > 0) return process?.kill()
  processes.delete(number)
  warm.keep(process, kind)
  warm.makeRoom(processes.size)
}

/** Its slot is free only when the script is gone: until then it may use as much as it did. */
const endScript = async (working: Working, number: ProcessNumber): Promise<void> => {
  const { processes, warm, tell } = working
  const running = processes.get(number)
  const { process, kind = '', runs = 0 } = running ?? {}
  if (process?.leave === undefined || runs > 0) return process?.kill()
  const idle = await process.leave()
  // It ends by itself, in peace: to kill it would cut its `shutdown()` off. Whoever watches it says when it is gone.
  if (idle === undefined) return
  if (processes.get(number) !== running) return idle.kill()
  processes.delete(number)
  warm.keep(idle, kind)
  warm.makeRoom(processes.size)
  tell({ kind: 'processExited', process: number, how: 'stopped', message: 'Its job has ended.' })
}

const freeIndex = ({ processes }: Working, job: JobId): number => {
  const taken = [...processes.values()].flatMap((one) => (one.job.id === job ? [one.index] : []))
  let index = 0
  while (taken.includes(index)) index += 1
  return index
}

const runAttempt = async (working: Working, number: ProcessNumber, lease: Lease): Promise<void> => {
  const running = working.processes.get(number)
  const input = working.prepared.take(lease.token)
  if (running?.process === undefined || input === undefined) return
  running.runs += 1
  try {
    const { miniBatch, attempt, token } = lease
    const ran = await running.process.run({ ...input, miniBatch, attempt })
    const { outcome, files } = await takeFiles(working.packs, lease.job, ran)
    if (outcome.kind === 'succeeded')
      working.rows.set(tokenKey(token), {
        ...toRows(lease, outcome, namesOf(input)),
        ...files,
        ran: runOf(running.index, ran.runMs, working.clock.now()),
      })
    working.tell({ kind: 'attemptRan', process: number, token, outcome: toFact(lease, outcome) })
  } catch (thrown) {
    // The process died: `processExited` says so, and the machine knows what it held.
    if (!(thrown instanceof MusterFailure)) throw thrown
  } finally {
    running.runs -= 1
  }
}

/** Several mini-batches in one `run()`. */
const runJoined = async (
  working: Working,
  number: ProcessNumber,
  leases: readonly Lease[],
): Promise<void> => {
  const running = working.processes.get(number)
  const parts = leases
    .flatMap((lease) => ({ lease, input: working.prepared.take(lease.token) ?? [] }))
    .flatMap(({ lease, input }) => ('items' in input ? [{ lease, input }] : []))
    .toSorted((a, b) => a.lease.firstItem - b.lease.firstItem)
  const [first] = parts
  if (running?.process === undefined || first === undefined) return
  const apart = (why: 'threw' | 'unsure'): void =>
    working.tell({
      kind: 'joinedFellApart',
      process: number,
      tokens: leases.map(({ token }) => token),
      why,
    })
  const input = joinInputs(parts)
  if (input === undefined) return apart('unsure')
  running.runs += 1
  try {
    const { miniBatch, attempt, job } = first.lease
    const ran = await running.process.run({ ...input, miniBatch, attempt })
    // Files of a script belong to one mini-batch; those of several go with the job.
    const { outcome, files } = await takeFiles(working.packs, job, ran)
    if (outcome.kind === 'threw') return apart('threw')
    if (outcome.unsure === true || files !== undefined) return apart('unsure')
    keepJoined(working, { number, running }, parts, outcome)
  } catch (thrown) {
    if (!(thrown instanceof MusterFailure)) throw thrown
  } finally {
    running.runs -= 1
  }
}

/** Each mini-batch gets its rows, and its word, as if it had run by itself. */
const keepJoined = (
  working: Working,
  { number, running }: { readonly number: ProcessNumber; readonly running: Running },
  parts: readonly Part[],
  outcome: RunOutcome & { kind: 'succeeded' },
): void => {
  let end = working.clock.now() - outcome.runMs
  for (const [at, own] of splitOutcome(outcome, parts).entries()) {
    const { lease, input } = parts[at] ?? {}
    if (lease === undefined || input === undefined) continue
    end += own.runMs
    working.rows.set(tokenKey(lease.token), {
      ...toRows(lease, own, namesOf(input)),
      ran: runOf(running.index, own.runMs, end),
    })
    const fact = toFact(lease, own)
    working.tell({ kind: 'attemptRan', process: number, token: lease.token, outcome: fact })
  }
}

const packChunk = async (
  working: Working,
  job: JobId,
  tokens: readonly LeaseToken[],
): Promise<void> => {
  const entries = tokens.flatMap((token) => working.rows.get(tokenKey(token)) ?? [])
  const packed = await working.chunks.pack({ job, peer: working.self, entries })
  for (const token of tokens) working.rows.delete(tokenKey(token))
  if (packed.ok) working.tell({ kind: 'chunkPacked', job, chunk: packed.value, tokens })
  else working.tell({ kind: 'chunkFailed', job, tokens, message: packed.error.message })
}
