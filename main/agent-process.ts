import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { findRunningAgent } from './find-agent.ts'
import { shellLimits } from './limits.ts'
import { readLines, readTail } from './read-output.ts'

/** What the shell knows of the agent. */
export type AgentState =
  | { readonly kind: 'starting' }
  /** `owned` is false when somebody else started it, such as a service or a terminal. */
  | { readonly kind: 'running'; readonly webAddress: string; readonly owned: boolean }
  /** It died and is started again; `reason` is one sentence. */
  | { readonly kind: 'restarting'; readonly inMs: number; readonly reason: string }
  | { readonly kind: 'stopped' }

export interface AgentProcessOptions {
  /** Absolute path of the Node that the app ships. */
  readonly node: string
  /** Absolute path of the command line's entry file. */
  readonly entry: string
  /** Folder of the agent. */
  readonly home: string
  readonly onState: (state: AgentState) => void
  /** First wait before a restart; tests give a short one. */
  readonly restartMs?: number
}

/** Keeps one agent running until disposed, which stops the agent cleanly if it is ours. */
export interface AgentProcess extends AsyncDisposable {
  readonly state: () => AgentState
}

/**
 * Starts the agent, or watches the one that already runs in this home, and starts it again whenever it
 * is gone, with a wait that doubles while it keeps dying young.
 */
export const keepAgentRunning = (options: AgentProcessOptions): AgentProcess => {
  const stop = new AbortController()
  let state: AgentState = { kind: 'starting' }
  const set = (next: AgentState): void => {
    state = next
    options.onState(next)
  }
  const ended = keepRunning(options, set, stop.signal)
  return {
    state: () => state,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await ended
      set({ kind: 'stopped' })
    },
  }
}

const keepRunning = async (
  options: AgentProcessOptions,
  set: (state: AgentState) => void,
  signal: AbortSignal,
): Promise<void> => {
  const first = options.restartMs ?? shellLimits.restartMs
  let waitMs = first
  while (!signal.aborted) {
    set({ kind: 'starting' })
    const startedAt = performance.now()
    const other = await findRunningAgent(options.home)
    const reason =
      other === undefined
        ? await runOwn(options, set, signal)
        : await watchOther({ home: options.home, webAddress: other.webAddress }, set, signal)
    if (signal.aborted) return
    if (performance.now() - startedAt >= shellLimits.healthyMs) waitMs = first
    set({ kind: 'restarting', inMs: waitMs, reason })
    await sleep(waitMs, undefined, { signal }).catch(() => undefined)
    waitMs = Math.min(waitMs * 2, shellLimits.restartMostMs)
  }
}

/** One life of an agent of ours. Resolves with the reason of its end. */
const runOwn = async (
  { node, entry, home }: AgentProcessOptions,
  set: (state: AgentState) => void,
  signal: AbortSignal,
): Promise<string> => {
  if (signal.aborted) return ''
  const child = spawn(node, [entry, 'agent', '--home', home, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    env: process.env,
  })
  const ended = endOf(child)
  const tail = readTail(child.stderr, shellLimits.errorTailLength)
  const stopChild = (): void => void stopCleanly(child, ended)
  signal.addEventListener('abort', stopChild, { once: true })
  const late = setTimeout(() => child.kill('SIGKILL'), shellLimits.readyMs)
  void readLines(child.stdout, shellLimits.lineLength, (line) => {
    const webAddress = readyAddress(line)
    if (webAddress === undefined) return
    clearTimeout(late)
    set({ kind: 'running', webAddress, owned: true })
  })
  try {
    return reasonOf(await ended, tail())
  } finally {
    clearTimeout(late)
    signal.removeEventListener('abort', stopChild)
  }
}

/** Resolves when the agent that somebody else started does not answer any more. */
const watchOther = async (
  other: { readonly home: string; readonly webAddress: string },
  set: (state: AgentState) => void,
  signal: AbortSignal,
): Promise<string> => {
  set({ kind: 'running', webAddress: other.webAddress, owned: false })
  for (;;) {
    await sleep(shellLimits.watchMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return ''
    const now = await findRunningAgent(other.home)
    if (now?.webAddress !== other.webAddress) return 'The agent that was running here has ended.'
  }
}

interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** It could not be started at all. */
  readonly error?: Error
}

const endOf = (child: ChildProcess): Promise<ProcessEnd> =>
  new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }))
    // `close` comes after the last of its output, which tells why.
    child.once('close', (code, signal) => resolve({ code, signal }))
  })

const stopCleanly = async (child: ChildProcess, ended: Promise<ProcessEnd>): Promise<void> => {
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), shellLimits.stopMs)
  await ended
  clearTimeout(late)
}

/** The web address in a ready line, or undefined for any other line. */
const readyAddress = (line: string): string | undefined => {
  try {
    const said = JSON.parse(line) as { event?: unknown; webAddress?: unknown } | null
    return said?.event === 'ready' &&
      typeof said.webAddress === 'string' &&
      /^http:\/\/127\.0\.0\.1:\d+$/.test(said.webAddress)
      ? said.webAddress
      : undefined
  } catch {
    return undefined
  }
}

const reasonOf = ({ code, signal, error }: ProcessEnd, tail: string): string => {
  if (error !== undefined) return `The agent could not be started: ${error.message}.`
  const said = sentenceIn(tail)
  if (said !== undefined) return said
  return signal === null
    ? `The agent ended with exit code ${code ?? 'none'}.`
    : `The agent was ended by ${signal}.`
}

/** With `--json` the agent's last words are an error view on stderr. */
const sentenceIn = (tail: string): string | undefined => {
  for (const line of tail.trim().split('\n').toReversed()) {
    try {
      const said = JSON.parse(line) as { error?: { message?: unknown } } | null
      if (typeof said?.error?.message === 'string') return said.error.message
    } catch {
      // A line of the log, or the first, cut in two: not what we look for.
    }
  }
  return undefined
}
