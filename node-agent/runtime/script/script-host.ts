import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { setPriority, constants } from 'node:os'
import process from 'node:process'
import type { ProcessExit } from '#agent/ports/runtime.ts'
import { limits } from '#protocol/limits.ts'
import { firstScriptPipe, startChild } from '../child-process.ts'
import type { RuntimeChild } from '../child-process.ts'
import type { Command } from './sandbox.ts'
import { explainEnd } from './script-end.ts'
import type { ScriptLog } from './script-log.ts'

/**
 * A runtime process and, one after the other, the script processes in front of it. Each script has a pipe of its
 * own, made with the runtime process and used once: no word of one can reach the next. While a script is there the
 * two live and die together.
 */
export interface ScriptHost extends RuntimeChild {
  /** Starts a script process. Throws if the system refuses it, or if there is one or no pipe is left. */
  readonly attach: (script: ScriptProcess) => Attached
  /** Whether one more script can follow. */
  readonly hasRoom: () => boolean
}

export interface ScriptProcess {
  readonly command: Command
  readonly log: ScriptLog
  /** For sentences. */
  readonly entry: string
  readonly heapMib: number
}

export interface Attached {
  readonly pid: number
  /** Descriptor of its pipe in the runtime process. */
  readonly pipe: number
  /** The end that follows was asked for, whichever of the two goes first. */
  readonly expectEnd: () => void
  /** Like `expectEnd`, and the runtime process stays. */
  readonly expectLeave: () => void
  /** SIGKILL, for the script process alone. */
  readonly kill: () => void
  /** Resolves when the script process is gone and its last words are read. */
  readonly ended: Promise<ScriptEnd>
  /** The same, and its runtime process is gone too, or has nothing more to do with it. */
  readonly gone: Promise<unknown>
}

interface ScriptEnd {
  readonly code: number | null
  readonly signal: string | null
}

/** The script that is there, and what is known of its end. */
interface Current extends ScriptProcess {
  readonly child: ChildProcess
  readonly ended: Promise<ScriptEnd>
  expected: boolean
  wentFirst: boolean
}

/** Throws if the system refuses another process. */
export const startHost = (memoryBytes: number, cacheFolder: string | undefined): ScriptHost => {
  const runtime = startChild(memoryBytes, cacheFolder, limits.scriptsPerRuntime)
  const pipes = [...runtime.scriptPipes]
  let current: Current | undefined
  let gone = false
  let killed = false
  const kill = (): void => {
    killed = true
    killScript(current)
    runtime.kill()
  }
  const exited = runtime.exited.then(async (exit) => {
    gone = true
    for (const pipe of pipes) pipe.destroy()
    if (current === undefined) return exit
    killScript(current)
    return explain(current, await current.ended, killed, exit)
  })
  const attach = (script: ScriptProcess): Attached => {
    const pipe = firstScriptPipe + runtime.scriptPipes.length - pipes.length
    const end = pipes.shift()
    if (end === undefined || current !== undefined) throw new Error('no pipe to a script is left')
    const one = begin(script, end)
    current = one
    let leaves = false
    void one.ended.then(() => {
      one.wentFirst = !gone
      if (leaves) current = undefined
      else runtime.kill()
    })
    return {
      pid: one.child.pid ?? 0,
      pipe,
      expectEnd: () => {
        one.expected = true
      },
      expectLeave: () => {
        one.expected = true
        leaves = true
      },
      kill: () => killScript(one),
      ended: one.ended,
      gone: one.ended.then(() => (leaves ? undefined : runtime.exited)),
    }
  }
  return {
    ...runtime,
    stderr: () => current?.log.lastWords() || runtime.stderr(),
    kill,
    exited,
    attach,
    hasRoom: () => pipes.length > 0,
  }
}

const begin = (script: ScriptProcess, pipe: RuntimeChild['pipe']): Current => {
  const child = spawnScript(script, pipe)
  return { ...script, child, ended: watch(child), expected: false, wentFirst: false }
}

const explain = (
  script: Current,
  facts: ScriptEnd,
  killed: boolean,
  exit: ProcessExit,
): ProcessExit => {
  if (script.expected || killed)
    return { kind: 'killed', message: `${script.entry} was stopped by its agent.` }
  if (!script.wentFirst) return exit
  return explainEnd({ ...facts, stderr: script.log.lastWords() }, script, exit)
}

const killScript = (script: Current | undefined): void => {
  if (script?.child.exitCode === null && script.child.signalCode === null) killAll(script.child)
}

/**
 * The script process with what it started. Killed while it is being set up, bubblewrap leaves a child that waits for
 * it for ever, and holds the ends of our pipes: its slot would never be free again.
 */
const killAll = ({ pid }: ChildProcess): void => {
  if (pid === undefined) return
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
  } catch {
    // All of it is gone already.
  }
}

const spawnScript = ({ command, log }: ScriptProcess, pipe: RuntimeChild['pipe']): ChildProcess => {
  const script = spawn(command.file, [...command.words], {
    // 3: the other end of the runtime process's pipe; the agent itself never reads a frame of a script.
    stdio: ['ignore', 'pipe', 'pipe', pipe],
    // A script's own variables reach it when it runs: here they could steer the programs around it.
    env: process.platform === 'win32' ? { SystemRoot: process.env['SystemRoot'] } : {},
    cwd: '/',
    windowsHide: true,
    // A process group of its own, by which all of it is killed.
    detached: process.platform !== 'win32',
  })
  pipe.destroy()
  if (script.stdout !== null) log.follow(script.stdout, false)
  if (script.stderr !== null) log.follow(script.stderr, true)
  if (script.pid === undefined) {
    script.on('error', () => {})
    throw new Error('no script process could be started')
  }
  if (process.platform === 'win32') setPriority(script.pid, constants.priority.PRIORITY_LOW)
  return script
}

const watch = (script: ChildProcess): Promise<ScriptEnd> => {
  const { promise, resolve } = Promise.withResolvers<ScriptEnd>()
  script.once('error', () => resolve({ code: null, signal: null }))
  // Somebody else may have killed it.
  script.once('exit', () => killAll(script))
  // `close`, not `exit`: its last words have then been read.
  script.once('close', (code, signal) => resolve({ code, signal }))
  return promise
}
