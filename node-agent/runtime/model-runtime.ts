import type { Log } from '#agent/ports/log.ts'
import type { ModelRuntime, StartProcess, WorkerProcess } from '#agent/ports/runtime.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { startChild } from './child-process.ts'
import type { RuntimeChild } from './child-process.ts'
import { createDeviceDesk, deviceWish } from './devices/desk.ts'
import type { DeviceDesk } from './devices/desk.ts'
import type { Seat } from './devices/seats.ts'
import { checkFit } from './fit.ts'
import { inspectModel } from './inspect/inspect.ts'
import type { StartMessage } from './messages.ts'
import { converse } from './worker-process.ts'

export interface ModelRuntimeDeps {
  readonly log: Log
  /**
   * Folder of this user alone where Node keeps our compiled code; made if missing. It takes two thirds off the
   * start of a process. Undefined: nothing is kept. Code is run from it, so it must never be a shared one.
   */
  readonly cacheFolder?: string
  /** What can compute here; left out, one that remembers nothing. */
  readonly desk?: DeviceDesk
  /** Time to load a model in a fresh process; default `limits.initMs`. */
  readonly initMs?: number
}

/** A start of what this room runs: a job without a script. */
interface DeclaredStart extends StartProcess {
  readonly spec: Extract<JobSpec, { runtime: 'onnx' }>
  readonly modelPath: string
}

/** The runtime processes of this machine. */
export const createModelRuntime = (deps: ModelRuntimeDeps): ModelRuntime => {
  const desk = deps.desk ?? createDeviceDesk(deps)
  const runtime = {
    inspect: inspectModel,
    checkFit,
    devices: desk.list,
    probeDevices: desk.probed,
    describeDevices: desk.describeDevices,
    start: async (options: StartProcess): Promise<Result<WorkerProcess, MusterError>> =>
      isDeclared(options) ? await start(options, { ...deps, desk }) : err(noScripts()),
    scripts: async () => ({ kind: 'refused' as const, reason: noScripts().message }),
  }
  return runtime
}

type Deps = ModelRuntimeDeps & { readonly desk: DeviceDesk }

const isDeclared = (options: StartProcess): options is DeclaredStart =>
  options.spec.runtime === 'onnx' && options.modelPath !== undefined

const noScripts = (): MusterError =>
  musterError('InitFailed', 'This machine runs no entry scripts: submit a job of runtime onnx.')

const start = async (
  options: DeclaredStart,
  deps: Deps,
): Promise<Result<WorkerProcess, MusterError>> => {
  const allowed = await checkBeforeStart(options)
  if (!allowed.ok) return allowed
  const seat = await deps.desk.seat(deviceWish(options, modelName(options)))
  if (!seat.ok) return seat
  const started = await startProcess(options, deps, seat.value)
  // A device that we only tried must not cost the job its process: once more, without it.
  if (!started.ok && seat.value.lost(started.error)) return start(options, deps)
  if (started.ok) {
    const { pid, loadMs } = started.value
    deps.log.debug('Worker process is ready.', { pid, loadMs, model: modelName(options) })
    return ok(started.value.process)
  }
  const { code, message, detail } = started.error
  deps.log.warn('A worker process could not be started.', { code, reason: message, detail })
  return started
}

/**
 * What can be said without a process. The model is inspected here again: that its submitter's agent did is
 * no proof to the machine that loads it.
 */
const checkBeforeStart = async (options: DeclaredStart): Promise<Result<void, MusterError>> => {
  if (options.signal.aborted) return err(aborted(options))
  const model = await inspectModel(options.modelPath)
  if (!model.ok) return model
  const { facts } = model.value
  const fits = checkMemory(`The model ${modelName(options)}`, facts.bytes, options.memoryBytes)
  return fits.ok ? checkFit(options.spec, facts) : fits
}

/** Estimate of the memory of a process with this model, both in bytes. */
export const memoryNeeded = (modelBytes: number): number =>
  limits.modelBaseBytes + Math.ceil(modelBytes * limits.modelBytesFactor)

/** `ModelTooLarge` if they cannot fit together. @param models begins the sentence: `The model "name" version 1` */
export const checkMemory = (
  models: string,
  bytes: number,
  memoryBytes: number,
): Result<void, MusterError> => {
  const needed = memoryNeeded(bytes)
  if (needed <= memoryBytes) return ok(undefined)
  const [need, smaller] = models.startsWith('The models ')
    ? ['need', 'smaller models']
    : ['needs', 'a smaller model']
  return err(
    musterError(
      'ModelTooLarge',
      `${models} (${mebibytes(bytes)}) ${need} about ${mebibytes(needed)} of memory, but a worker process may use ${mebibytes(memoryBytes)} here: allow more memory or use ${smaller}.`,
    ),
  )
}

const mebibytes = (bytes: number): string => {
  const size = bytes / 2 ** 20
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} MiB`
}

interface Started {
  readonly process: WorkerProcess
  readonly pid: number
  readonly loadMs: number
}

const startProcess = async (
  options: DeclaredStart,
  { initMs = limits.initMs, cacheFolder }: Deps,
  seat: Seat,
): Promise<Result<Started, MusterError>> => {
  let child: RuntimeChild
  try {
    child = startChild(options.memoryBytes, cacheFolder)
  } catch (thrown) {
    const sentence =
      'No worker process could be started: the system allows no more processes or memory.'
    return err(
      musterError('InitFailed', sentence, { retryable: true, detail: thrownToText(thrown) }),
    )
  }
  const { process, loaded, tellPlan } = converse(child, startMessage(options, seat), seat.heard)
  const ended = await endEarly(options, initMs, loaded)
  if (ended.ok)
    return ok({ process: seat.opened(process, tellPlan), pid: child.pid, loadMs: ended.value })
  child.kill()
  await child.exited
  return ended
}

/** What `loaded` says, unless the caller gives up or the time is over before. */
const endEarly = async (
  options: DeclaredStart,
  initMs: number,
  loaded: Promise<Result<number, MusterError>>,
): Promise<Result<number, MusterError>> => {
  const early = Promise.withResolvers<Result<number, MusterError>>()
  const timer = setTimeout(() => early.resolve(err(tooSlow(options, initMs))), initMs)
  const stop = (): void => early.resolve(err(aborted(options)))
  options.signal.addEventListener('abort', stop, { once: true })
  // An abort during the checks before came too early to be heard.
  if (options.signal.aborted) stop()
  try {
    const result = await Promise.race([loaded, early.promise])
    return result.ok || result.error.code !== 'ProcessDied'
      ? result
      : err(diedLoading(options, result.error))
  } finally {
    clearTimeout(timer)
    options.signal.removeEventListener('abort', stop)
  }
}

const startMessage = (options: DeclaredStart, { plan }: Seat): StartMessage => ({
  kind: 'start',
  modelName: modelName(options),
  modelPath: options.modelPath,
  threads: options.threads,
  plan,
  preprocess: options.spec.preprocess,
  postprocess: options.spec.postprocess,
})

const modelName = ({ spec }: DeclaredStart): string =>
  `"${spec.model.name}" version ${spec.model.version}`

const aborted = (options: DeclaredStart): MusterError =>
  musterError('Aborted', `Loading the model ${modelName(options)} was given up.`, {
    retryable: true,
  })

const tooSlow = (options: DeclaredStart, initMs: number): MusterError =>
  musterError(
    'InitFailed',
    `The model ${modelName(options)} was not loaded within ${initMs / 1000} s: use a smaller model or a less busy machine.`,
    { retryable: true },
  )

const diedLoading = (options: DeclaredStart, error: MusterError): MusterError =>
  musterError(
    'InitFailed',
    `The model ${modelName(options)} could not be loaded because its process ended: ${error.message}`,
    { retryable: true, ...(error.detail === undefined ? {} : { detail: error.detail }) },
  )
