import { setTimeout as sleep } from 'node:timers/promises'
import { progressLine } from '#protocol/control/progress-line.ts'
import type { JobView } from '#protocol/control/job-views.ts'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { Cli } from './cli.ts'
import { exitCodes } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { safe } from './screen.ts'
import { filesText } from './text.ts'

/**
 * Follows one job until it has ended and answers how. An agent that restarts meanwhile is found again. With
 * `--json` every change is one line; else a terminal shows one moving line, and a file one line for each
 * new state and now and then one between.
 */
export const watchJob = async (cli: Cli, start: string): Promise<ExitCode> => {
  const show = cli.json ? showAsJson(cli) : showAsText(cli)
  let lostAt: number | undefined
  for (;;) {
    try {
      for await (const job of followJob(cli, start)) {
        lostAt = undefined
        await show(job)
        if (isEnd(job)) return await conclude(cli, job)
      }
    } catch (thrown) {
      if (cli.signal.aborted || !isLost(thrown)) throw thrown
      // Nothing was ever heard: then there is no agent to wait for.
      if (lostAt === undefined && !show.used()) throw thrown
      if (lostAt === undefined)
        cli.screen.progress('The agent is gone; waiting for it to come back.')
      lostAt ??= performance.now()
      if (performance.now() - lostAt > limits.watchReconnectMs) throw thrown
    }
    cli.signal.throwIfAborted()
    await sleep(limits.watchRetryMs, undefined, { signal: cli.signal })
  }
}

/** The job now, then every change of it, until the connection ends. */
async function* followJob(cli: Cli, start: string): AsyncIterable<JobView> {
  const client = await cli.connect()
  const options = { signal: cli.signal }
  // The place first, the job after it: what happens between them comes twice, but is never missed.
  const { sequence } = await client.call('snapshot', options)
  const {
    spec: _,
    file: __,
    peers: ___,
    failures: ____,
    ...job
  } = await client.call('job', {
    ...options,
    query: { job: start },
  })
  yield job
  let newest: JobView = job
  const hangUp = new AbortController()
  try {
    const signal = AbortSignal.any([cli.signal, hangUp.signal])
    for await (const { delta } of client.follow(sequence, signal)) {
      if (delta.kind !== 'job-changed' || delta.job.id !== job.id) continue
      if (isOlder(delta.job, newest)) continue
      newest = delta.job
      yield newest
    }
  } finally {
    hangUp.abort()
  }
}

/** What happened before the job was asked for is told after it; a plan and its commits only grow. */
export const isOlder = (one: JobView, than: JobView): boolean =>
  !isEnd(one) && (one.items < than.items || one.committed < than.committed || isEnd(than))

interface Show {
  (job: JobView): Promise<void>
  readonly used: () => boolean
}

const showAsJson = (cli: Cli): Show => {
  let last = ''
  const show = async (job: JobView): Promise<void> => {
    const text = JSON.stringify(job)
    if (text === last) return
    last = text
    await cli.screen.line(text)
  }
  return Object.assign(show, { used: () => last !== '' })
}

const showAsText = (cli: Cli): Show => {
  let state: string | undefined
  let saidAt = 0
  const show = async (job: JobView): Promise<void> => {
    const line = progressLine(job)
    const reason = job.reason === '' ? '' : ` · ${safe(job.reason)}`
    cli.screen.progress(`${line}${reason}`)
    const changed = job.state !== state
    const due = !cli.screen.hasProgress && performance.now() - saidAt >= limits.progressLineMs
    if (!changed && !due) return
    state = job.state
    saidAt = performance.now()
    if (!isEnd(job)) await cli.screen.line(`${job.state} · ${line}${reason}`)
  }
  return Object.assign(show, { used: () => state !== undefined })
}

const isEnd = ({ state }: JobView): boolean =>
  state === 'Completed' || state === 'Failed' || state === 'Canceled'

const conclude = async (cli: Cli, job: JobView): Promise<ExitCode> => {
  const done = job.state === 'Completed'
  if (!cli.json) {
    const state = cli.screen.style(done ? 'green' : 'red', job.state)
    const why = safe(job.headline || job.reason)
    await cli.screen.line(`${state} · ${progressLine(job)}${why === '' ? '' : ` · ${why}`}`)
    if (job.output !== '') await cli.screen.line(`Output: ${safe(job.output)}`)
    const files = filesText(job)
    if (files !== '') await cli.screen.line(`Files: ${safe(files)}`)
  }
  return done ? exitCodes.done : exitCodes.jobFailed
}

/** Errors of the connection, not of the job: a restart of the agent mends them, as does a new snapshot. */
const isLost = (thrown: unknown): boolean =>
  thrown instanceof MusterFailure
    ? ['AgentUnreachable', 'AgentNotRunning', 'Unauthorized', 'NotFound', 'Full'].includes(
        thrown.error.code,
      )
    : // fetch tells a connection that breaks in the middle of a stream by a TypeError.
      thrown instanceof TypeError
