import { randomUUID } from 'node:crypto'
import { mkdirSync, realpathSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { RunRequest, StartProcess, WorkerProcess } from '#agent/ports/runtime.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { modelsOf } from '#protocol/model/job.ts'
import type { NodeJobSpec } from '#protocol/model/job.ts'
import type { Result } from '#protocol/model/result.ts'
import { onProcessor } from '../devices/providers.ts'
import type { Seat } from '../devices/seats.ts'
import { encodeFrame } from '../frames.ts'
import type { ScriptModelStart, ScriptStartMessage, SideInputStart } from '../messages.ts'
import { converse } from '../worker-process.ts'
import type { Conversation } from '../worker-process.ts'
import type { DirectInputWords } from './words.ts'
import { layOutOwnCode } from './own-code.ts'
import { scriptCommand } from './sandbox.ts'
import { startHost } from './script-host.ts'
import type { Attached, ScriptHost } from './script-host.ts'
import { createScriptLog } from './script-log.ts'

export interface StartScript {
  readonly options: StartProcess
  readonly spec: NodeJobSpec
  /** Folder of the agent for logs, outputs and files of items. */
  readonly home: string
  readonly cacheFolder: string | undefined
  readonly bwrap: string | undefined
}

/** A runtime process that was started for one script and may outlive it, and what is said to it. */
export interface RunningHost {
  readonly host: ScriptHost
  readonly conversation: Conversation
}

/** A script in front of its runtime process. */
export interface StartedScript extends RunningHost {
  readonly process: WorkerProcess
  readonly scriptPid: number
  /** Resolves when it is ready, refused, or gone. */
  readonly loaded: Promise<Result<number, MusterError>>
  /** Ends the script in peace; true: the runtime process is there, and has forgotten it. */
  readonly leave: () => Promise<boolean>
}

/** Starts a runtime process and a script process and tells them what to load. Throws if the system refuses. */
export const startScript = (start: StartScript, seat: Seat): StartedScript => {
  const { memoryBytes } = start.options
  const host = startHost(memoryBytes, start.cacheFolder)
  try {
    const placed = placeScript(start, host)
    const message = { ...placed.message, plan: seat.plan }
    const conversation = converse(host, message, seat.heard)
    const { loaded } = conversation
    const running = { host, conversation }
    return { ...running, ...control(running, placed, conversation.process), loaded }
  } catch (thrown) {
    host.kill()
    throw thrown
  }
}

/** Starts a script process in front of a runtime process that has lost its last one. Throws likewise. */
export const startNextScript = (start: StartScript, running: RunningHost): StartedScript => {
  const placed = placeScript(start, running.host)
  const { process, startScript: tell } = running.conversation
  // What computes was settled with the first script.
  const loaded = tell({ ...placed.message, plan: onProcessor })
  return { ...running, ...control(running, placed, process), loaded }
}

interface Placed {
  readonly script: Attached
  readonly folders: Folders
  readonly message: Omit<ScriptStartMessage, 'plan'>
}

const placeScript = (start: StartScript, host: ScriptHost): Placed => {
  const { options, spec } = start
  const folders = makeFolders(start)
  const heapMib = heapFor(options.memoryBytes)
  const log = createScriptLog(folders.logs, `${Date.now()}-${options.workerIndex ?? 0}`)
  const own = layOutOwnCode(made(join(start.home, 'cache', 'script-process')))
  const readable = [own.folder, folders.script, folders.items]
  const models = scriptModels(options, spec)
  for (const { modelPath } of models) readable.push(dirname(modelPath))
  const sideInputs = sideInputsOf(options, spec)
  for (const { path } of sideInputs) readable.push(path)
  const directInputs = directInputsOf(options, spec)
  for (const { path } of directInputs) readable.push(path)
  const command = scriptCommand(
    { root: own.root, readable, writable: [folders.output], heapMib },
    start.bwrap,
  )
  const script = host.attach({ command, log, entry: spec.script.entry, heapMib })
  void script.gone.then(() => {
    for (const folder of [folders.items, folders.output])
      rmSync(folder, { recursive: true, force: true })
    removeEmpty(dirname(folders.output))
  })
  return {
    script,
    folders,
    message: startMessage(start, folders, { sideInputs, models, directInputs }, script),
  }
}

/** The job's folder goes with its last process. */
const removeEmpty = (folder: string): void => {
  try {
    rmdirSync(folder)
  } catch {
    // Another process of the job has its folder there, or it is gone already.
  }
}

/** JavaScript heap of the script in MiB: half of what its process may use, the rest is the runtime's. */
const heapFor = (memoryBytes: number): number => {
  const bytes = Math.min(limits.scriptHeapBytes, memoryBytes / 2)
  return Math.round(Math.max(limits.scriptHeapLeastBytes, bytes) / 2 ** 20)
}

interface Folders {
  readonly script: string
  readonly items: string
  readonly output: string
  readonly logs: string
  readonly packs: string
}

/** A folder's real path, since the permission model compares texts; made if missing. */
const made = (path: string): string => {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  return realpathSync(path)
}

/** What a process that died left there belongs to no mini-batch. */
const emptied = (path: string): string => {
  rmSync(path, { recursive: true, force: true })
  return made(path)
}

const makeFolders = ({ options, home }: StartScript): Folders => {
  const { scriptFolder, job = 'job', workerIndex = 0 } = options
  if (scriptFolder === undefined) throw new Error('a script was started without its files')
  return {
    script: realpathSync(scriptFolder),
    items: made(join(home, 'cache', 'script-items', randomUUID())),
    output: emptied(join(home, 'script-output', job, String(workerIndex))),
    packs: made(join(home, 'cache', 'script-packs')),
    logs: join(home, 'logs', 'jobs', job),
  }
}

const sideInputsOf = (
  { sideInputs: folders = {} }: StartProcess,
  spec: NodeJobSpec,
): readonly SideInputStart[] =>
  spec.sideInputs.map((input) => {
    const folder = Object.hasOwn(folders, input.name) ? folders[input.name] : undefined
    if (folder === undefined) throw new Error(`side input ${input.name} has no folder`)
    const { name, files } = input
    const words = { name, path: realpathSync(folder), files: files.map((file) => file.path) }
    if (input.kind === 'files') return words
    const { format, delimiter, header } = input
    return { ...words, table: { format, delimiter, header } }
  })

/** Inputs whose files the script opens by itself, and what it may read for that. */
const directInputsOf = (
  { directFolders: folders = {} }: StartProcess,
  spec: NodeJobSpec,
): readonly DirectInputWords[] =>
  spec.inputs.flatMap(({ name, root, share }) => {
    const folder = Object.hasOwn(folders, name) ? folders[name] : undefined
    if (folder === undefined) return []
    const place = share === undefined ? root : `share:${share.name}/${share.path}`
    return [{ name, path: realpathSync(folder), place: place.replace(/\/+$/, '') }]
  })

interface Given extends Pick<ScriptStartMessage, 'sideInputs' | 'models'> {
  readonly directInputs: readonly DirectInputWords[]
}

/** The job's models where they lie here. */
const scriptModels = (
  { modelPath, models: paths = {} }: StartProcess,
  spec: NodeJobSpec,
): readonly ScriptModelStart[] =>
  modelsOf(spec).map(({ alias, name, version }, at) => {
    const isMain = at === 0 && spec.model !== undefined
    const path = isMain ? modelPath : Object.hasOwn(paths, alias) ? paths[alias] : undefined
    if (path === undefined) throw new Error(`model ${alias} is nowhere`)
    const modelName = `"${name}" version ${version}`
    return { name: alias, modelName, modelPath: realpathSync(path) }
  })

const startMessage = (
  { options, spec }: StartScript,
  folders: Folders,
  { sideInputs, models, directInputs }: Given,
  script: Attached,
): Placed['message'] => ({
  kind: 'startScript',
  models,
  threads: options.threads,
  itemFolder: folders.items,
  packFolder: folders.packs,
  scriptPid: script.pid,
  scriptPipe: script.pipe,
  sideInputs,
  init: {
    bundle: join(folders.script, spec.script.files[0]?.path ?? ''),
    arguments: spec.arguments,
    environment: spec.environment,
    level: spec.loggingLevel,
    outputDirectory: folders.output,
    workerIndex: options.workerIndex ?? 0,
    device: spec.device,
    directInputs,
    // The one of `model`, else the only one.
    mainModel: spec.model?.name ?? (models.length === 1 ? (models[0]?.name ?? null) : null),
  },
})

/** Packs by their paths: the process itself names them only within their folder. */
const withPacks = (process: WorkerProcess, folder: string): WorkerProcess => ({
  ...process,
  run: async (request: RunRequest) => {
    const outcome = await process.run(request)
    if (outcome.kind === 'threw' || outcome.files === undefined) return outcome
    const { pack, list } = outcome.files
    return { ...outcome, files: { pack: join(folder, pack), list } }
  },
})

/** A script's process that runs nothing may call `shutdown()` before it goes; one that runs something is killed. */
const control = (
  { host, conversation }: RunningHost,
  { script, folders }: Placed,
  process: WorkerProcess,
): Pick<StartedScript, 'process' | 'scriptPid' | 'leave'> => {
  let runs = 0
  let ending = false
  const packed = withPacks(process, folders.packs)
  const endInPeace = async (force: () => void): Promise<void> => {
    ending = true
    for (const part of encodeFrame({ kind: 'shutdown' }, [])) host.pipe.write(part)
    await inTime(script.ended, limits.scriptShutdownMs, force)
  }
  const kill = (): void => {
    if (runs > 0 || ending) return host.kill()
    script.expectEnd()
    return void endInPeace(host.kill)
  }
  return {
    scriptPid: script.pid,
    process: {
      ...packed,
      run: async (request: RunRequest) => {
        runs += 1
        try {
          return await packed.run(request)
        } finally {
          runs -= 1
        }
      },
      kill,
    },
    leave: async () => {
      if (runs > 0 || ending) return false
      if (!host.hasRoom()) {
        // Nothing can follow it, so it goes with its runtime process: nobody else would end the two.
        kill()
        return false
      }
      script.expectLeave()
      await endInPeace(script.kill)
      return inTime(conversation.endScript(), limits.scriptLeftMs, host.kill)
    },
  }
}

/** Waits for what is sure to come, if need be with force after some time. */
const inTime = async <T>(done: Promise<T>, ms: number, force: () => void): Promise<T> => {
  const timer = setTimeout(force, ms)
  const result = await done
  clearTimeout(timer)
  return result
}
