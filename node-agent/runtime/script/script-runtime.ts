import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '#agent/ports/log.ts'
import type {
  IdleRuntime,
  ModelRuntime,
  ScriptSafety,
  StartProcess,
  WorkerProcess,
} from '#agent/ports/runtime.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { modelsOf } from '#protocol/model/job.ts'
import type { NodeJobSpec } from '#protocol/model/job.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { createDeviceDesk, deviceWish } from '../devices/desk.ts'
import type { DeviceDesk } from '../devices/desk.ts'
import type { Seat } from '../devices/seats.ts'
import { inspectModel } from '../inspect/inspect.ts'
import { checkMemory } from '../model-runtime.ts'
import { probeSandbox } from './sandbox.ts'
import { startNextScript, startScript } from './start-script.ts'
import { sweepScriptLogs } from './script-log.ts'
import type { RunningHost, StartScript, StartedScript } from './start-script.ts'

export interface ScriptRuntimeDeps {
  readonly log: Log
  /** The agent's folder: logs, outputs and files of items lie below it. */
  readonly home: string
  /** Whether the owner lets scripts run here. */
  readonly allowed: boolean
  /** Where Node keeps our compiled code; see `ModelRuntimeDeps`. */
  readonly cacheFolder?: string
  /** False: bubblewrap is not asked for; for tests of the seat belt alone. */
  readonly sandbox?: boolean
  /** What can compute here; left out, one that remembers nothing. */
  readonly desk?: DeviceDesk
  /** Time for the model and `init()`; default `limits.initMs`. */
  readonly initMs?: number
}

/** Takes away what script processes of an agent that was killed left, and old logs; for its next start. */
export const sweepScriptFolders = (home: string): void => {
  for (const folder of [
    'script-output',
    'cache/script-items',
    'cache/script-packs',
    'scripts',
    'side-inputs',
  ])
    rmSync(join(home, folder), { recursive: true, force: true })
  sweepScriptLogs(join(home, 'logs', 'jobs'), Date.now())
}

/** Adds entry scripts to a runtime that runs declared jobs. */
export const withScripts = (declared: ModelRuntime, deps: ScriptRuntimeDeps): ModelRuntime => {
  let probed: ReturnType<typeof probeSandbox> | undefined
  const desk = deps.desk ?? createDeviceDesk({ log: deps.log })
  const probe = async (): ReturnType<typeof probeSandbox> => {
    if (!deps.allowed) return { kind: 'refused', reason: ownerRefuses }
    probed ??= probeSandbox().then((found) => {
      deps.log.info(found.kind === 'refused' ? found.reason : found.words)
      return found
    })
    const safety = await probed
    if (safety.kind !== 'sandbox' || deps.sandbox !== false) return safety
    return { kind: 'seat-belt', words: 'Bubblewrap is there but not used.' }
  }
  return {
    ...declared,
    scripts: async (): Promise<ScriptSafety> => probe(),
    start: async (options) => {
      if (options.spec.runtime === 'onnx') return declared.start(options)
      const safety = await probe()
      if (safety.kind === 'refused') return err(musterError('ScriptRefused', safety.reason))
      return startOne(options, options.spec, { ...deps, desk, bwrap: safety.bwrap })
    },
  }
}

const ownerRefuses = 'The owner of this machine lets no entry scripts run on it.'

type Deps = ScriptRuntimeDeps & { readonly bwrap: string | undefined; readonly desk: DeviceDesk }

const startOne = async (
  options: StartProcess,
  spec: NodeJobSpec,
  deps: Deps,
): Promise<Result<WorkerProcess, MusterError>> => {
  if (options.signal.aborted) return err(givenUp(spec))
  const allowed = await checkModels(options, spec)
  if (!allowed.ok) return allowed
  const seat = await takeSeat(options, spec, deps.desk)
  if (!seat.ok) return seat
  const { lost, opened } = seat.value
  const started = await whenLoaded(options, spec, deps, (start) => startScript(start, seat.value))
  if (started.ok) {
    const { process, conversation } = started.value
    const counted = opened(process, conversation.tellPlan)
    return ok(withLeave(counted, started.value, deps))
  }
  // A device that we only tried must not cost the job its process: once more, without it.
  return lost(started.error) ? startOne(options, spec, deps) : started
}

/** Starts a script and waits until it is ready. */
const whenLoaded = async (
  options: StartProcess,
  spec: NodeJobSpec,
  deps: Deps,
  begin: (start: StartScript) => StartedScript,
): Promise<Result<StartedScript, MusterError>> => {
  const { home, cacheFolder, bwrap, log } = deps
  let started: StartedScript
  try {
    started = begin({ options, spec, home, cacheFolder, bwrap })
  } catch (thrown) {
    const detail = thrownToText(thrown)
    const sentence = `No process for the script ${spec.script.entry} could be started.`
    return err(musterError('InitFailed', sentence, { retryable: true, detail }))
  }
  const loaded = await inTime(started.loaded, options.signal, spec, deps)
  if (loaded.ok) {
    log.debug('Script process is ready.', { pid: started.scriptPid, loadMs: loaded.value })
    return ok(started)
  }
  started.host.kill()
  await started.conversation.process.exited
  log.warn('A script process could not be started.', { reason: loaded.error.message })
  return loaded
}

const withLeave = (process: WorkerProcess, started: StartedScript, deps: Deps): WorkerProcess => ({
  ...process,
  leave: async () => ((await started.leave()) ? idleRuntime(started, deps) : undefined),
})

const idleRuntime = (running: RunningHost, deps: Deps): IdleRuntime => {
  const { host, conversation } = running
  const { pid, exited } = conversation.process
  return {
    pid,
    exited,
    kill: host.kill,
    start: async (options) => {
      if (options.spec.runtime === 'onnx' || options.signal.aborted) {
        host.kill()
        return err(musterError('Aborted', 'Starting the script was given up.', { retryable: true }))
      }
      const begin = (start: StartScript): StartedScript => startNextScript(start, running)
      const started = await whenLoaded(options, options.spec, deps, begin)
      if (started.ok) return ok(withLeave(started.value.process, started.value, deps))
      host.kill()
      return started
    },
  }
}

/** All models are inspected here again, and have to fit into one process together. */
const checkModels = async (
  options: StartProcess,
  spec: NodeJobSpec,
): Promise<Result<void, MusterError>> => {
  let bytes = 0
  for (const path of [options.modelPath, ...Object.values(options.models ?? {})]) {
    if (path === undefined) continue
    const model = await inspectModel(path)
    if (!model.ok) return model
    bytes += model.value.facts.bytes
  }
  if (bytes === 0) return ok(undefined)
  return checkMemory(`${wordOf(spec)} ${namesOf(spec)}`, bytes, options.memoryBytes)
}

const wordOf = (spec: NodeJobSpec): string =>
  modelsOf(spec).length === 1 ? 'The model' : 'The models'

const namesOf = (spec: NodeJobSpec): string =>
  modelsOf(spec)
    .map(({ name, version }) => `"${name}" version ${version}`)
    .join(' and ')

/** A script without a model needs no device; several models of one process share what it chooses. */
const takeSeat = (
  options: StartProcess,
  spec: NodeJobSpec,
  desk: DeviceDesk,
): Promise<Result<Seat, MusterError>> => {
  const names = namesOf(spec)
  const wish = deviceWish(options, names)
  return desk.seat(names === '' ? { ...wish, device: 'cpu' } : wish)
}

/** What `loaded` says, unless the caller gives up or the time is over before. */
const inTime = async (
  loaded: Promise<Result<number, MusterError>>,
  signal: AbortSignal,
  spec: NodeJobSpec,
  { initMs = limits.initMs }: Deps,
): Promise<Result<number, MusterError>> => {
  const early = Promise.withResolvers<Result<number, MusterError>>()
  const timer = setTimeout(() => early.resolve(err(tooSlow(spec, initMs))), initMs)
  const stop = (): void => early.resolve(err(givenUp(spec)))
  signal.addEventListener('abort', stop, { once: true })
  try {
    const result = await Promise.race([loaded, early.promise])
    if (result.ok || result.error.code !== 'ProcessDied') return result
    return err(diedLoading(spec, result.error))
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

const givenUp = ({ script }: NodeJobSpec): MusterError =>
  musterError('Aborted', `Starting the script ${script.entry} was given up.`, { retryable: true })

const tooSlow = ({ script }: NodeJobSpec, initMs: number): MusterError =>
  musterError(
    'InitFailed',
    `The script ${script.entry} was not ready within ${initMs / 1000} s: its init() takes too long, or never ends.`,
    { retryable: true },
  )

const diedLoading = ({ script }: NodeJobSpec, error: MusterError): MusterError =>
  musterError(
    'InitFailed',
    `The script ${script.entry} could not be started because its process ended: ${error.message}`,
    { retryable: true, ...(error.detail === undefined ? {} : { detail: error.detail }) },
  )
