import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startControlServer } from '#agent/control/server.ts'
import type { ControlServer } from '#agent/control/server.ts'
import { createDeltaLog } from '#agent/control/delta-log.ts'
import type { DeltaLog } from '#agent/control/delta-log.ts'
import type { ControlBackend, ControlHandlers } from '#agent/ports/control-backend.ts'
import type { Log } from '#agent/ports/log.ts'
import { controlFileName } from '#protocol/control/control-file.ts'
import { createControlClient } from '#protocol/control/client.ts'
import type { ControlClient } from '#protocol/control/client.ts'
import type { JobView } from '#protocol/control/job-views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { careHandlers } from './care-fixture.ts'
import { runHandlers } from './run-fixture.ts'
import { agentHandlers, clusterHandlers, modelHandlers } from './control-fixture-agent.ts'
import { registryHandlers } from './control-fixture-data.ts'
import { changeJob, jobHandlers, somePool, unknownJob } from './control-fixture-jobs.ts'
import { exportedText } from './control-fixture-shared.ts'
import type { Shared } from './control-fixture-shared.ts'

/**
 * A small agent in memory behind the real control server: a cluster of two, jobs that tests move by hand,
 * rows made from their number. It answers as the real backend does, errors included.
 */
export interface ControlFixture extends AsyncDisposable {
  readonly home: string
  readonly server: ControlServer
  readonly client: ControlClient
  readonly deltas: DeltaLog
  readonly jobs: Map<string, JobView>
  /** Requests that reached the backend, newest last. */
  readonly seen: { readonly name: string; readonly query: unknown; readonly body: unknown }[]
  readonly logged: string[]
  /** Replaces a job and tells the followers. */
  readonly changeJob: (id: string, change: Partial<JobView>) => void
  /** Resolves when `stop` was called. */
  readonly stopped: Promise<void>
}

export interface FixtureOptions {
  readonly home?: string
  readonly port?: number
  readonly pageFolder?: string
  readonly now?: () => number
  readonly handlers?: Partial<ControlHandlers>
  /** Rows that every job has. */
  readonly rows?: number
}

export const pixel = Uint8Array.from([137, 80, 78, 71, 13, 10, 26, 10])

/** Like `startControlFixture`, for tests of a start that fails. */
export const tryControlFixture = async (
  options: FixtureOptions = {},
): Promise<Result<ControlFixture, MusterError>> => {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'muster-control-')))
  const deltas = createDeltaLog(1_000)
  const jobs = new Map<string, JobView>()
  const seen: ControlFixture['seen'] = []
  const logged: string[] = []
  const stop = Promise.withResolvers<void>()
  const shared: Shared = {
    home,
    deltas,
    jobs,
    pools: new Map([['gpu', somePool()]]),
    rows: options.rows ?? 25,
    webAddress: '',
    stop: stop.resolve,
  }
  const handlers = { ...makeHandlers(shared), ...options.handlers }
  const backend: ControlBackend = {
    handlers: recording(handlers, seen),
    picture: async (job, item) =>
      jobs.has(job) && item < shared.rows
        ? ok({ bytes: pixel, mediaType: item === 1 ? 'text/html' : 'image/png' })
        : err(unknownJob(job)),
    inputPicture: async (input, name) =>
      name === 'missing.png'
        ? err(musterError('InputMissing', `Input "data" has no file "${name}".`))
        : ok({ bytes: pixel, mediaType: typeof input === 'string' ? 'image/png' : 'text/html' }),
    download: async ({ job, format, most = shared.rows }) => {
      if (!jobs.has(job)) return err(unknownJob(job))
      const bytes = Buffer.from(exportedText(format, most))
      const parts = (async function* () {
        yield bytes
      })()
      return ok({ fileName: `${job}.${format}`, bytes: bytes.length, parts })
    },
  }
  const started = await startControlServer({
    backend,
    deltas,
    pageFolder: options.pageFolder ?? join(home, 'no-page'),
    host: '127.0.0.1',
    port: options.port ?? 0,
    tokenFile: join(home, controlFileName),
    peer: 'peer-anna',
    version: '0.1.0',
    log: listLog(logged),
    ...(options.now === undefined ? {} : { now: options.now }),
  })
  const removeHome = async (): Promise<void> => {
    if (options.home === undefined) await rm(home, { recursive: true, force: true })
  }
  if (!started.ok) {
    await removeHome()
    return started
  }
  const server = started.value
  shared.webAddress = server.webAddress
  return ok({
    home,
    server,
    deltas,
    jobs,
    seen,
    logged,
    stopped: stop.promise,
    client: createControlClient({ baseUrl: server.webAddress, token: server.token }),
    changeJob: (id, change) => void changeJob(shared, id, change),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await removeHome()
    },
  })
}

export const startControlFixture = async (
  options: FixtureOptions = {},
): Promise<ControlFixture> => {
  const started = await tryControlFixture(options)
  if (!started.ok) throw new Error(started.error.message)
  return started.value
}

const recording = (handlers: ControlHandlers, seen: ControlFixture['seen']): ControlHandlers =>
  Object.fromEntries(
    Object.entries(handlers).map(([name, handle]) => [
      name,
      (request: never) => {
        const { query, body } = request as { query: unknown; body: unknown }
        seen.push({ name, query, body })
        return (handle as (request: never) => unknown)(request)
      },
    ]),
  ) as unknown as ControlHandlers

const makeHandlers = (shared: Shared): ControlHandlers => ({
  ...agentHandlers(shared),
  ...careHandlers,
  ...clusterHandlers,
  ...modelHandlers,
  ...registryHandlers,
  ...jobHandlers(shared),
  ...runHandlers,
})

const listLog = (lines: string[]): Log => {
  const add =
    (level: string) =>
    (message: string, fields?: object): void =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`)
  const log: Log = {
    debug: add('debug'),
    info: add('info'),
    warn: add('warn'),
    error: add('error'),
    child: () => log,
  }
  return log
}
