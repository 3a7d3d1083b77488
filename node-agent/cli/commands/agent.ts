import { mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { AgentOptions, LogLevel, RunningAgent } from '#agent/ports/agent-options.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { pageFolder } from '../page-folder.ts'

interface Options {
  readonly listen?: readonly string[]
  readonly port: number
  readonly webPort: number
  readonly slots?: number
  readonly name?: string
  readonly mdns: boolean
  readonly inPlace: boolean
  readonly scripts: boolean
  readonly logLevel: LogLevel
}

/** Runs until a signal, `muster stop` or a defect ends it. */
export const agent = async (cli: Cli, options: Options): Promise<ExitCode> => {
  const signals = listenForSignals()
  tuneMemory()
  keepCompiledCode(cli.home)
  // The agent's libraries take half a second to load: only this command pays for them.
  const startAgent = cli.startAgent ?? (await import('#agent/agent.ts')).startAgent
  const started = await startAgent(agentOptions(cli.home, options))
  if (!started.ok) throw new MusterFailure(started.error)
  const running = started.value
  await tellReady(cli, running)
  await Promise.race([signals.first, running.stopped])
  await running[Symbol.asyncDispose]()
  await running.stopped
  return exitCodes.done
}

/**
 * What the engine does with memory that nobody uses; see docs/adr/0013. Compiled code fits only the flags it was
 * made under, so they are set before any is looked for. Only the Node whose flags these are knows them.
 */
const tuneMemory = (): void => {
  if (!process.versions.node.startsWith('26.')) return
  // A thread that ends gives its pages to the system, not to the threads that are left.
  setFlagsFromString('--no-memory-pool-share-memory-on-teardown')
  // The agent collects by itself when it has become quiet, and once is enough.
  setFlagsFromString('--memory-reducer-gc-count=0')
}

/**
 * Compiled code, types stripped, stays in the home from start to start: that spares each thread of the agent
 * the type stripper, 40 MB in all, and half of the time until it is ready.
 */
const keepCompiledCode = (home: string): void => {
  const folder = join(home, 'cache', 'code')
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 })
    enableCompileCache(folder)
    // Threads take it from the environment.
    process.env['NODE_COMPILE_CACHE'] ??= folder
  } catch {
    // A home that cannot be written is told by the agent itself.
  }
}

const agentOptions = (home: string, options: Options): AgentOptions => ({
  home,
  listenHosts: options.listen ?? ['0.0.0.0'],
  port: options.port,
  webPort: options.webPort,
  ...(options.slots === undefined ? {} : { slots: options.slots }),
  mdns: options.mdns,
  ...(options.name === undefined ? {} : { name: options.name }),
  inPlace: options.inPlace,
  scripts: options.scripts,
  logLevel: options.logLevel,
  pageFolder,
})

const tellReady = async (cli: Cli, { webAddress, peer }: RunningAgent): Promise<void> => {
  const { home } = cli
  if (cli.json) {
    await cli.printJson({ event: 'ready', webAddress, home, peer, pid: process.pid })
    return
  }
  const { screen } = cli
  await screen.line(`The agent runs at ${screen.style('bold', webAddress)} (home ${home}).`)
  await screen.line('Open its window with `muster ui` in another terminal; Ctrl-C stops it.')
}

/**
 * The first SIGINT or SIGTERM asks for a clean end, a second one ends at once. A signal right after the
 * first is its echo: Ctrl-C reaches us and the launcher, which passes it on.
 */
const listenForSignals = (): { readonly first: Promise<void> } => {
  const first = Promise.withResolvers<void>()
  let firstAt: number | undefined
  const hear = (): void => {
    const now = performance.now()
    if (firstAt !== undefined && now - firstAt > limits.signalEchoMs) {
      process.exit(exitCodes.interrupted)
    }
    firstAt ??= now
    first.resolve()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, hear)
  return { first: first.promise }
}
