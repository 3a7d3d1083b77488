import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import type { CallOptions, ControlClient } from '#protocol/control/client.ts'
import type { AnswerOf, ApiName } from '#protocol/control/api.ts'
import type { ControlFile } from '#protocol/control/control-file.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { StartAgent } from '#agent/ports/agent-options.ts'
import type { Screen } from './screen.ts'

/** What every command gets. */
export interface Cli {
  /** Absolute. */
  readonly home: string
  /** Whether that home is the default one, so that hints need not name it. */
  readonly homeIsDefault: boolean
  /** Answers as JSON on stdout. */
  readonly json: boolean
  readonly screen: Screen
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  /** Calls the agent of this home. Throws MusterFailure. */
  readonly call: <Name extends ApiName>(
    name: Name,
    options?: Omit<CallOptions<Name>, 'signal'>,
  ) => Promise<AnswerOf<Name>>
  /** A client made anew from `control.json`: the token changes with every start of the agent. */
  readonly connect: () => Promise<ControlClient>
  /** One JSON document on one line of stdout. */
  readonly printJson: (value: unknown) => Promise<void>
  /** Instead of the real one, in tests. */
  readonly startAgent: StartAgent | undefined
}

export interface CliFacts {
  readonly home: string
  readonly homeIsDefault: boolean
  readonly json: boolean
  readonly screen: Screen
  readonly signal: AbortSignal
  readonly startAgent: StartAgent | undefined
}

export const createCli = (facts: CliFacts): Cli => {
  const connect = async (): Promise<ControlClient> => {
    const file = await readControlFile(facts.home)
    if (file === undefined) throw new MusterFailure(notRunning(facts))
    const { createControlClient } = await import('#protocol/control/client.ts')
    return createControlClient({ baseUrl: file.webAddress, token: file.token })
  }

  const call: Cli['call'] = async (name, options = {}) => {
    const client = await connect()
    const limit = AbortSignal.timeout(limits.cliCallMs)
    const signal = AbortSignal.any([facts.signal, limit])
    try {
      return await client.call(name, { ...options, signal })
    } catch (thrown) {
      if (limit.aborted && !facts.signal.aborted) throw new MusterFailure(timedOut())
      throw thrown
    }
  }

  return {
    ...facts,
    connect,
    call,
    printJson: (value) => facts.screen.line(JSON.stringify(value)),
  }
}

/** Undefined if there is none, it cannot be read, or its process is gone. */
export const readControlFile = async (home: string): Promise<ControlFile | undefined> => {
  const { controlFile, controlFileName } = await import('#protocol/control/control-file.ts')
  const text = await readFile(join(home, controlFileName), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const parsed = controlFile.safeParse(JSON.parse(text))
    // Somebody else may have the port by now: a token is not shown to strangers.
    return parsed.success && isAlive(parsed.data.pid) ? parsed.data : undefined
  } catch {
    return undefined
  }
}

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export const notRunning = ({
  home,
  homeIsDefault,
}: Pick<Cli, 'home' | 'homeIsDefault'>): MusterError => {
  const command = homeIsDefault ? 'muster agent' : `muster agent --home ${quoted(home)}`
  return musterError(
    'AgentNotRunning',
    `No agent runs in the home ${home}; start it with \`${command}\` and try again.`,
    { retryable: true },
  )
}

/** An answer of somebody who is not the agent of `control.json`: gone, or another one on its port. */
export const explain = (
  error: MusterError,
  cli: Pick<Cli, 'home' | 'homeIsDefault'>,
): MusterError =>
  error.code === 'AgentUnreachable' || error.code === 'Unauthorized' ? notRunning(cli) : error

const timedOut = (): MusterError =>
  musterError('TimedOut', 'The agent did not answer in time; look into its log and try again.', {
    retryable: true,
  })

const quoted = (text: string): string => (/^[\w@%+=:,./\\-]+$/.test(text) ? text : `'${text}'`)
