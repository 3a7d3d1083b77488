import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { limits } from '#protocol/limits.ts'
import { childEnvironment } from '../child-process.ts'
import { probeRoot } from '../roots.ts'
import { explainProvider } from './explain.ts'
import type { ProviderFact } from './explain.ts'
import { isProvider } from './providers.ts'
import type { Provider } from './providers.ts'

const root = fileURLToPath(probeRoot)

export interface ProbeOptions {
  readonly providers: readonly Provider[]
  readonly signal: AbortSignal
  /** Milliseconds for one provider; default `limits.deviceProbeMs`. */
  readonly timeoutMs?: number
  /** Program to run in place of our own; for tests of drivers that crash or hang. */
  readonly program?: string
}

/**
 * Tries providers in processes of their own: one for all, and another for the rest whenever one crashes or
 * hangs. The answer has one fact for each, in their order; empty if it was aborted.
 */
export const probeProviders = async (options: ProbeOptions): Promise<readonly ProviderFact[]> => {
  const facts: ProviderFact[] = []
  while (facts.length < options.providers.length && !options.signal.aborted) {
    const rest = options.providers.slice(facts.length)
    const round = await probeRound(rest, options)
    facts.push(...round.facts)
    if (facts.length < options.providers.length) {
      const at = options.providers[facts.length]
      if (at !== undefined) facts.push({ provider: at, ...round.failure })
    }
  }
  return options.signal.aborted ? [] : facts
}

interface Round {
  readonly facts: readonly ProviderFact[]
  /** What happened to the first provider without a fact. */
  readonly failure: Omit<ProviderFact, 'provider'>
}

const probeRound = async (rest: readonly Provider[], options: ProbeOptions): Promise<Round> => {
  const child = spawn(process.execPath, [options.program ?? root, ...rest], {
    stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
    env: childEnvironment(process.env, undefined),
    windowsHide: true,
  })
  const closed = once(child, 'close')
  closed.catch(() => undefined)
  child.stdin?.on('error', () => {})
  const facts: ProviderFact[] = []
  const timeoutMs = options.timeoutMs ?? limits.deviceProbeMs
  let hung = false
  const kill = (): void => void child.kill('SIGKILL')
  const late = (): void => {
    hung = true
    kill()
  }
  let timer = setTimeout(late, timeoutMs)
  options.signal.addEventListener('abort', kill, { once: true })
  try {
    for await (const line of createInterface({ input: linesOf(child) })) {
      clearTimeout(timer)
      timer = setTimeout(late, timeoutMs)
      const fact = readFact(line)
      if (fact !== undefined && fact.provider === rest[facts.length]) facts.push(fact)
    }
    await closed
  } catch {
    // It could not be started: told below.
  } finally {
    clearTimeout(timer)
    options.signal.removeEventListener('abort', kill)
    kill()
  }
  const failure = hung
    ? { problem: `did not answer within ${timeoutMs / 1000} s`, passing: true as const }
    : { problem: endOf(child) }
  return { facts, failure }
}

const linesOf = (child: ChildProcess): Readable => child.stdio[3] as Readable

const endOf = ({ exitCode, signalCode }: ChildProcess): string =>
  `crashes its process (${signalCode ?? (exitCode === null ? 'it does not start' : `exit code ${exitCode}`)}): update the driver of the graphics card`

const readFact = (line: string): ProviderFact | undefined => {
  try {
    const { provider, words } = JSON.parse(line) as Readonly<Record<string, unknown>>
    if (typeof provider !== 'string' || !isProvider(provider)) return undefined
    if (typeof words !== 'string') return { provider }
    return { provider, problem: explainProvider(words), detail: words.slice(0, 2_000) }
  } catch {
    return undefined
  }
}
