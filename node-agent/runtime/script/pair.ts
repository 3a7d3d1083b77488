import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { setPriority, constants } from 'node:os'
import process from 'node:process'
import type { ProcessExit } from '#agent/ports/runtime.ts'
import { startChild } from '../child-process.ts'
import type { RuntimeChild } from '../child-process.ts'
import type { Command } from './sandbox.ts'
import { explainEnd } from './script-end.ts'
import type { ScriptLog } from './script-log.ts'

/** A runtime process and a script process, joined by a pipe of their own: they live and die together. */
export interface Pair extends RuntimeChild {
  readonly scriptPid: number
  /** The end that follows was asked for, whichever of the two goes first. */
  readonly expectEnd: () => void
}

export interface PairOptions {
  readonly memoryBytes: number
  readonly cacheFolder: string | undefined
  readonly command: Command
  readonly log: ScriptLog
  /** For sentences. */
  readonly entry: string
  readonly heapMib: number
}

/** Throws if the system refuses another process. */
export const startPair = (options: PairOptions): Pair => {
  const runtime = startChild(options.memoryBytes, options.cacheFolder, true)
  const { scriptPipe } = runtime
  if (scriptPipe === undefined) throw new Error('no pipe to a script process could be made')
  const script = spawn(options.command.file, [...options.command.words], {
    // 3: the other end of the runtime process's pipe; the agent itself never reads a frame of a script.
    stdio: ['ignore', 'pipe', 'pipe', scriptPipe],
    // A script's own variables reach it when it runs: here they could steer the programs around it.
    env: process.platform === 'win32' ? { SystemRoot: process.env['SystemRoot'] } : {},
    cwd: '/',
    windowsHide: true,
  })
  scriptPipe.on('error', () => {})
  scriptPipe.destroy()
  if (script.stdout !== null) options.log.follow(script.stdout, false)
  if (script.stderr !== null) options.log.follow(script.stderr, true)
  const { pid } = script
  if (pid === undefined) {
    runtime.kill()
    script.on('error', () => {})
    throw new Error('no script process could be started')
  }
  if (process.platform === 'win32') setPriority(pid, constants.priority.PRIORITY_LOW)
  return joinEnds(runtime, script, pid, options)
}

const joinEnds = (
  runtime: RuntimeChild,
  script: ChildProcess,
  scriptPid: number,
  options: PairOptions,
): Pair => {
  let expected = false
  const ofScript = watch(script)
  const killScript = (): void => {
    if (script.exitCode === null && script.signalCode === null) script.kill('SIGKILL')
  }
  const end = async (): Promise<ProcessExit> => {
    const first = await Promise.race([
      ofScript.then((facts) => ({ who: 'script' as const, facts })),
      runtime.exited.then((exit) => ({ who: 'runtime' as const, exit })),
    ])
    killScript()
    runtime.kill()
    const [facts, exit] = await Promise.all([ofScript, runtime.exited])
    if (expected) return { kind: 'killed', message: `${options.entry} was stopped by its agent.` }
    if (first.who === 'runtime') return first.exit
    return explainEnd({ ...facts, stderr: options.log.lastWords() }, options, exit)
  }
  return {
    pid: runtime.pid,
    pipe: runtime.pipe,
    stderr: () => options.log.lastWords() || runtime.stderr(),
    scriptPid,
    expectEnd: () => {
      expected = true
    },
    kill: () => {
      expected = true
      killScript()
      runtime.kill()
    },
    exited: end(),
  }
}

export interface ScriptEnd {
  readonly code: number | null
  readonly signal: string | null
}

const watch = (script: ChildProcess): Promise<ScriptEnd> => {
  const { promise, resolve } = Promise.withResolvers<ScriptEnd>()
  script.once('error', () => resolve({ code: null, signal: null }))
  // `close`, not `exit`: its last words have then been read.
  script.once('close', (code, signal) => resolve({ code, signal }))
  return promise
}
