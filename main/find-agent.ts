import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createControlClient } from '../protocol/control/client.ts'
import { controlFile, controlFileName } from '../protocol/control/control-file.ts'
import type { ControlFile } from '../protocol/control/control-file.ts'
import { shellLimits } from './limits.ts'

/** The agent that answers in this home, by its control file; undefined if none does. */
export const findRunningAgent = async (home: string): Promise<ControlFile | undefined> => {
  const told = await readControlFile(home)
  if (told === undefined) return undefined
  try {
    // The file may be left over from an agent that was killed: only an answer counts.
    await clientOf(told).call('agent', { signal: AbortSignal.timeout(shellLimits.askMs) })
    return told
  } catch {
    return undefined
  }
}

/** A one-time link to the agent's page. Rejects if the agent does not answer. */
export const signInUrl = async (home: string): Promise<string> => {
  const told = await readControlFile(home)
  if (told === undefined) throw new Error(`There is no ${controlFileName} in ${home}.`)
  const answer = await clientOf(told).call('signInCode', {
    signal: AbortSignal.timeout(shellLimits.askMs),
  })
  return answer.url
}

const clientOf = ({ webAddress, token }: ControlFile) =>
  createControlClient({ baseUrl: webAddress, token })

const readControlFile = async (home: string): Promise<ControlFile | undefined> => {
  try {
    const text = await readFile(join(home, controlFileName), 'utf8')
    const parsed = controlFile.safeParse(JSON.parse(text))
    // The token goes nowhere but to this machine.
    return parsed.success && /^http:\/\/127\.0\.0\.1:\d+$/.test(parsed.data.webAddress)
      ? parsed.data
      : undefined
  } catch {
    return undefined
  }
}
