import { randomUUID } from 'node:crypto'
import { mkdirSync, realpathSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { RunRequest, StartProcess, WorkerProcess } from '#agent/ports/runtime.ts'
import { limits } from '#protocol/limits.ts'
import type { NodeJobSpec } from '#protocol/model/job.ts'
import type { Seat } from '../devices/seats.ts'
import { encodeFrame } from '../frames.ts'
import type { ScriptStartMessage, SideInputStart } from '../messages.ts'
import { converse } from '../worker-process.ts'
import type { Conversation } from '../worker-process.ts'
import { layOutOwnCode } from './own-code.ts'
import { startPair } from './pair.ts'
import type { Pair } from './pair.ts'
import { scriptCommand } from './sandbox.ts'
import { createScriptLog } from './script-log.ts'

export interface StartScript {
  readonly options: StartProcess
  readonly spec: NodeJobSpec
  /** Folder of the agent for logs, outputs and files of items. */
  readonly home: string
  readonly cacheFolder: string | undefined
  readonly bwrap: string | undefined
  readonly seat: Seat
}

/** Starts a runtime process and a script process and tells them what to load. Throws if the system refuses. */
export const startScript = (start: StartScript): Conversation & { readonly pair: Pair } => {
  const { options, spec, seat } = start
  const folders = makeFolders(start)
  const heapMib = heapFor(options.memoryBytes)
  const { entry } = spec.script
  const log = createScriptLog(folders.logs, `${Date.now()}-${options.workerIndex ?? 0}`)
  const own = layOutOwnCode(made(join(start.home, 'cache', 'script-process')))
  const readable = [own.folder, folders.script, folders.items]
  if (options.modelPath !== undefined) readable.push(realpathSync(dirname(options.modelPath)))
  const sideInputs = sideInputsOf(options, spec)
  for (const { path } of sideInputs) readable.push(path)
  const command = scriptCommand(
    { root: own.root, readable, writable: [folders.output], heapMib },
    start.bwrap,
  )
  const { memoryBytes } = options
  const { cacheFolder } = start
  const pair = startPair({ memoryBytes, cacheFolder, command, log, entry, heapMib })
  void pair.exited.then(() => {
    for (const folder of [folders.items, folders.output])
      rmSync(folder, { recursive: true, force: true })
  })
  const conversation = converse(
    pair,
    startMessage(start, folders, sideInputs, pair.scriptPid),
    seat.heard,
  )
  const process = endGently(withPacks(conversation.process, folders.packs), pair)
  return { ...conversation, process, pair }
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

const startMessage = (
  { options, spec, seat }: StartScript,
  folders: Folders,
  sideInputs: readonly SideInputStart[],
  scriptPid: number,
): ScriptStartMessage => ({
  kind: 'startScript',
  modelName: spec.model === undefined ? '' : `"${spec.model.name}" version ${spec.model.version}`,
  shortModelName: spec.model?.name ?? '',
  modelPath: options.modelPath === undefined ? null : realpathSync(options.modelPath),
  threads: options.threads,
  plan: seat.plan,
  itemFolder: folders.items,
  packFolder: folders.packs,
  scriptPid,
  sideInputs,
  init: {
    bundle: join(folders.script, spec.script.files[0]?.path ?? ''),
    arguments: spec.arguments,
    environment: spec.environment,
    level: spec.loggingLevel,
    outputDirectory: folders.output,
    workerIndex: options.workerIndex ?? 0,
    device: spec.device,
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

/** A process that runs nothing may call `shutdown()` before it goes; one that runs something is killed. */
const endGently = (process: WorkerProcess, pair: Pair): WorkerProcess => {
  let running = 0
  let ending = false
  return {
    ...process,
    run: async (request: RunRequest) => {
      running += 1
      try {
        return await process.run(request)
      } finally {
        running -= 1
      }
    },
    kill: () => {
      if (running > 0 || ending) return process.kill()
      ending = true
      pair.expectEnd()
      for (const part of encodeFrame({ kind: 'shutdown' }, [])) pair.pipe.write(part)
      const timer = setTimeout(process.kill, limits.scriptShutdownMs)
      void pair.exited.then(() => clearTimeout(timer))
    },
  }
}
