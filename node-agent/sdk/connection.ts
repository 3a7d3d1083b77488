import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createControlClient } from '#protocol/control/client.ts'
import type { CallOptions, ControlClient } from '#protocol/control/client.ts'
import type { AnswerOf, ApiName } from '#protocol/control/api.ts'
import { controlFile, controlFileName } from '#protocol/control/control-file.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'

/** A line to one agent. */
export interface Connection {
  /** How people know the agent: its home, or its address. */
  readonly place: string
  /** @throws MusterFailure the agent's own error, or `AgentNotRunning`, `AgentUnreachable` */
  readonly call: <Name extends ApiName>(
    name: Name,
    options?: CallOptions<Name>,
  ) => Promise<AnswerOf<Name>>
  readonly client: () => Promise<ControlClient>
}

/**
 * The agent of a home on this machine. Its address and token are read for every call, since both change
 * when the agent starts anew: a run that is waited for outlives that.
 */
export const connectHome = (home: string): Connection => {
  const client = async (): Promise<ControlClient> => {
    const file = await readControl(home)
    if (file === undefined)
      throw new MusterFailure(
        musterError(
          'AgentNotRunning',
          `No agent runs in the home ${home}; start it with \`muster agent --home ${home}\` and try again.`,
          { retryable: true },
        ),
      )
    return createControlClient({ baseUrl: file.webAddress, token: file.token })
  }
  return {
    place: home,
    client,
    call: async (name, options) => (await client()).call(name, options),
  }
}

/** An agent whose address and token are known, such as one that a test has started. */
export const connectAddress = (address: string, token: string): Connection => {
  const client = createControlClient({ baseUrl: address, token })
  return { place: address, client: async () => client, call: client.call }
}

const readControl = async (home: string) => {
  const text = await readFile(join(home, controlFileName), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    return controlFile.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
