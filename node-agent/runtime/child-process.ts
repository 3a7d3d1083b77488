import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import process from 'node:process'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { limits } from '#protocol/limits.ts'
import { classifyExit } from './exit.ts'
import { runtimeRoot } from './roots.ts'
import type { ProcessExit } from '#agent/ports/runtime.ts'

/** A started runtime process and the pipe to it; nothing is loaded yet. */
export interface RuntimeChild {
  readonly pid: number
  readonly pipe: Duplex
  /** SIGKILL; idempotent. */
  readonly kill: () => void
  /** Resolves once, when it is gone and its last words are read. */
  readonly exited: Promise<ProcessExit>
  /** The last it wrote to standard error. */
  readonly stderr: () => string
  /**
   * The agent's ends of pipes for script processes, one for each that may come: to be handed on. In the process they
   * are the descriptors from `firstScriptPipe` on.
   */
  readonly scriptPipes: readonly Duplex[]
}

const framesDescriptor = 3
export const firstScriptPipe = 4

/** Starts a runtime process at the lowest priority. Throws if the system refuses another process. */
export const startChild = (
  memoryBytes: number,
  cacheFolder: string | undefined,
  scripts = 0,
): RuntimeChild => {
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${heapMib(memoryBytes)}`, fileURLToPath(runtimeRoot)],
    {
      // 0: held open as a sign of life; 3: frames; from 4 on: to script processes.
      stdio: ['pipe', 'ignore', 'pipe', 'pipe', ...Array<'pipe'>(scripts).fill('pipe')],
      env: childEnvironment(process.env, cacheFolder),
      windowsHide: true,
    },
  )
  const exited = watchExit(child)
  const { pid } = child
  const pipe = child.stdio[framesDescriptor]
  if (pid === undefined || !isDuplex(pipe)) throw new Error('no worker process could be started')
  // At once: on Linux a priority is a thread's own, and threads started later inherit it.
  lowerPriority(pid)
  child.stdin?.on('error', ignore)
  const all: readonly unknown[] = child.stdio
  const scriptPipes = all.slice(firstScriptPipe).filter(isDuplex)
  for (const one of scriptPipes) one.on('error', ignore)
  const { kill, promise, stderr } = exited
  return { pid, pipe, kill, exited: promise, stderr, scriptPipes }
}

const ignore = (): void => {}

const watchExit = (child: ChildProcess) => {
  let killed = false
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    // The first lines name the cause, what follows is the stack: only what does not fit is dropped.
    if (stderr.length < limits.processStderrBytes) {
      stderr = (stderr + text).slice(0, limits.processStderrBytes)
    }
  })
  const { promise, resolve } = Promise.withResolvers<ProcessExit>()
  child.once('error', (error) => {
    resolve({ kind: 'crashed', message: `No worker process could be started: ${error.message}.` })
  })
  // `close`, not `exit`: its last words have then been read.
  child.once('close', (code, signal) => {
    resolve(classifyExit({ pid: child.pid ?? 0, code, signal, killed, stderr }))
  })
  const kill = (): void => {
    if (child.exitCode !== null || child.signalCode !== null) return
    killed = true
    child.kill('SIGKILL')
  }
  return { promise, kill, stderr: () => stderr }
}

const isDuplex = (stream: unknown): stream is Duplex =>
  typeof stream === 'object' && stream !== null && 'write' in stream && 'on' in stream

const lowerPriority = (pid: number): void => {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW)
  } catch {
    // It is gone already, or lowers its own priority first thing.
  }
}

/** JavaScript's part of a process whose bulk is native memory: messages, rows, nothing that grows. */
const heapMib = (memoryBytes: number): number =>
  Math.round(Math.min(1024, Math.max(96, memoryBytes / 4 / 2 ** 20)))

/** What native libraries need to find their files, and nothing that the agent may keep secret. */
const passed: readonly string[] = [
  'HOME',
  'USERPROFILE',
  'PATH',
  'LD_LIBRARY_PATH',
  'TMPDIR',
  'TEMP',
  'TMP',
  'SystemRoot',
  'windir',
  // Where drivers and libraries of graphics cards are, and which cards may be used.
  'XDG_DATA_DIRS',
  'CUDA_PATH',
  'CUDA_VISIBLE_DEVICES',
  'VK_DRIVER_FILES',
  'VK_ICD_FILENAMES',
]

/** The little of our environment that a process with native code gets. */
export const childEnvironment = (
  own: NodeJS.ProcessEnv,
  cacheFolder: string | undefined,
): NodeJS.ProcessEnv => {
  const environment: NodeJS.ProcessEnv = { ORT_DISABLE_TELEMETRY: '1' }
  if (cacheFolder !== undefined) environment['NODE_COMPILE_CACHE'] = cacheFolder
  for (const name of passed) if (own[name] !== undefined) environment[name] = own[name]
  return environment
}
