import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const entry = fileURLToPath(new URL('../../node-agent/cli/main.ts', import.meta.url))
/** `muster` whose `agent` command runs the in-memory agent of `control-fixture.ts`. */
export const fakeAgentEntry = fileURLToPath(new URL('fake-agent-child.ts', import.meta.url))

export interface CliRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly home?: string
  readonly cwd?: string
  readonly env?: Record<string, string>
  readonly entry?: string
}

/** A running `muster`, as a person would start it. */
export interface RunningCli {
  readonly child: ChildProcess
  /** The next line of stdout; rejects when it ends first. */
  readonly nextLine: () => Promise<string>
  readonly ended: Promise<CliRun>
}

export const startCli = (args: readonly string[], options: CliOptions = {}): RunningCli => {
  const child = spawn(process.execPath, [options.entry ?? entry, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: options.cwd,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      ...(options.home === undefined ? {} : { MUSTER_HOME: options.home }),
      ...options.env,
    },
  })
  let stdout = ''
  let stderr = ''
  // Read at once and kept: a reader that waits would stop what is watched.
  let given = 0
  let heard = Promise.withResolvers<void>()
  let over = false
  const wake = (): void => {
    heard.resolve()
    heard = Promise.withResolvers()
  }
  child.stdout.on('data', (part: Buffer) => {
    stdout += part.toString()
    wake()
  })
  child.stderr.on('data', (part: Buffer) => (stderr += part.toString()))
  child.on('close', () => {
    over = true
    wake()
  })
  const nextLine = async (): Promise<string> => {
    for (;;) {
      const end = stdout.indexOf('\n', given)
      if (end >= 0) {
        const line = stdout.slice(given, end)
        given = end + 1
        return line
      }
      if (over) throw new Error(`muster ${args.join(' ')} ended: ${stderr}`)
      await heard.promise
    }
  }
  const ended = new Promise<CliRun>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) =>
      resolve({ code, stdout, stderr: signal === null ? stderr : `${stderr}[${signal}]` }),
    )
  })
  return { child, nextLine, ended }
}

export const runMuster = (args: readonly string[], options: CliOptions = {}): Promise<CliRun> =>
  startCli(args, options).ended
