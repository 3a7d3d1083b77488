import { resolve } from 'node:path'
import process from 'node:process'
import { CommanderError } from 'commander'
import type { Command } from 'commander'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { StartAgent } from '#agent/ports/agent-options.ts'
import { agentVersion } from '#agent/version.ts'
import { createCli, explain } from './cli.ts'
import type { Cli } from './cli.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { createProgram } from './program.ts'
import { printError } from './print-error.ts'
import { quietUsage } from './usage.ts'
import type { Act, Runs } from './runs.ts'
import { createScreen } from './screen.ts'

/** Runs one command line to its end; never throws. `startAgent` is given by tests only. */
export const runCli = async (
  args: readonly string[],
  startAgent?: StartAgent,
): Promise<ExitCode> => {
  const screen = createScreen(process.stdout, process.stderr)
  const interrupt = new AbortController()
  let code: ExitCode = exitCodes.done
  let failing: Pick<Cli, 'home' | 'homeIsDefault' | 'json' | 'screen'> = {
    home: '',
    homeIsDefault: true,
    json: args.includes('--json'),
    screen,
  }
  watchOutputs(() => failing)

  const runs: Runs =
    (load) =>
    async (...given) => {
      const command = given.at(-1) as Command
      const { home, json } = command.optsWithGlobals<{ home?: string; json?: boolean }>()
      const place = await findHome(home)
      const cli = createCli({
        ...place,
        json: json === true,
        screen,
        signal: interrupt.signal,
        startAgent,
      })
      failing = cli
      const act = await load()
      // The agent command ends in its own way: see there.
      if (command.name() !== 'agent') stopOnInterrupt(interrupt)
      // Commander gives the arguments in their order, the options, and itself.
      code = await (act as unknown as Act<unknown[]>)(cli, ...given.slice(0, -1))
    }

  const program = createProgram(agentVersion, runs)
  const usage = quietUsage(program)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (thrown) {
    if (thrown instanceof CommanderError) return usage.end(thrown, args, failing)
    if (interrupt.signal.aborted) {
      screen.progress('')
      return exitCodes.interrupted
    }
    const error = explain(errorOf(thrown), failing)
    printError(failing, error)
    return exitCodeOf(error.code)
  }
}

/** `--home`, else MUSTER_HOME, else the data folder that the system gives this account. */
const findHome = async (given: string | undefined) => {
  const chosen = given ?? process.env['MUSTER_HOME'] ?? ''
  if (chosen !== '') return { home: resolve(chosen), homeIsDefault: false }
  const { default: envPaths } = await import('env-paths')
  return { home: envPaths('muster', { suffix: '' }).data, homeIsDefault: true }
}

const errorOf = (thrown: unknown): MusterError =>
  thrown instanceof MusterFailure
    ? thrown.error
    : musterError('Internal', `Muster met a defect (${thrownToText(thrown)}); please report it.`)

/** Ctrl-C ends a command; the second one at once, whatever it is doing. */
const stopOnInterrupt = (interrupt: AbortController): void => {
  process.on('SIGINT', () => {
    if (interrupt.signal.aborted) process.exit(exitCodes.interrupted)
    interrupt.abort()
  })
}

/**
 * `muster job results | head`: nobody reads on, and that is no error. A full disk behind `>` is one, which is told
 * here since nobody waits for every line that is written.
 */
const watchOutputs = (failing: () => Pick<Cli, 'json' | 'screen'>): void => {
  process.stdout.on('error', ({ code = 'an error' }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit(exitCodes.done)
    printError(
      failing(),
      musterError(
        code === 'ENOSPC' ? 'DiskFull' : 'Internal',
        `What was to be printed could not be written (${code}), so it is not whole; make room or choose another place, and try again.`,
      ),
    )
    process.exit(exitCodes.broken)
  })
  // Nobody reads what went wrong: the exit code still says it.
  process.stderr.on('error', () => {})
}
