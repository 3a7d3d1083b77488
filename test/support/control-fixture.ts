import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { BodyOf } from '#protocol/control/api.ts'
import type { PoolView } from '#protocol/control/sharing-api.ts'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { startControlServer } from '#agent/control/server.ts'
import type { ControlServer } from '#agent/control/server.ts'
import { createDeltaLog } from '#agent/control/delta-log.ts'
import type { DeltaLog } from '#agent/control/delta-log.ts'
import type { ControlBackend, ControlHandlers } from '#agent/ports/control-backend.ts'
import type { Log } from '#agent/ports/log.ts'
import { controlFileName } from '#protocol/control/control-file.ts'
import { createControlClient } from '#protocol/control/client.ts'
import type { ControlClient } from '#protocol/control/client.ts'
import type { AgentView } from '#protocol/control/views.ts'
import type { JobView, RowView } from '#protocol/control/job-views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { careHandlers } from './care-fixture.ts'
import {
  makeDataset,
  makeDatastore,
  makeJob,
  makeMachine,
  makeModel,
  makeRow,
} from './control-views.ts'
import { runHandlers } from './run-fixture.ts'

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

interface Shared {
  readonly home: string
  readonly deltas: DeltaLog
  readonly jobs: Map<string, JobView>
  readonly pools: Map<string, PoolView>
  readonly rows: number
  webAddress: string
  readonly stop: () => void
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

const unknownPool = (name: string) =>
  musterError('NotFound', `There is no pool "${name}"; \`muster pool list\` shows all pools.`)

const poolNamed = (
  name: string,
  { minPeers, maxPeers, description, filter }: BodyOf<'createPool'>,
): PoolView => ({
  name,
  description: description ?? '',
  minPeers: minPeers ?? 0,
  maxPeers: maxPeers ?? null,
  filter: {
    names: filter?.names ?? [],
    tags: filter?.tags ?? [],
    gpu: filter?.gpu ?? false,
    memoryBytes: filter?.memoryBytes ?? 0,
  },
  createdAt: 0,
  allocationState: 'Resizing',
  currentPeers: 1,
  targetPeers: 2,
  peerStates: { idle: 1, running: 0, preparing: 0, unusable: 0, away: 1 },
  errors: ['dora: It does not answer; it may be switched off.'],
})

const somePool = (): PoolView =>
  poolNamed('gpu', {
    name: 'gpu',
    minPeers: 1,
    filter: { names: ['ada', 'bo'], tags: ['tall'], gpu: true, memoryBytes: 8 * 1024 ** 3 },
  })

const makeHandlers = (shared: Shared): ControlHandlers => ({
  ...agentHandlers(shared),
  ...careHandlers,
  ...clusterHandlers,
  ...modelHandlers,
  ...registryHandlers,
  ...jobHandlers(shared),
  ...runHandlers,
})

const agentHandlers = (shared: Shared) => {
  const { home, deltas, jobs, stop } = shared
  const agent = (): AgentView => ({
    peer: 'peer-anna',
    name: 'anna',
    version: '0.1.0',
    node: process.version,
    home,
    pid: process.pid,
    startedAt: 1_700_000_000_000,
    addresses: ['/ip4/192.0.2.7/tcp/7432'],
    webAddress: shared.webAddress,
    itemsStreamed: 0,
  })
  return {
    agent: async () => ok(agent()),
    snapshot: async () =>
      ok({
        sequence: deltas.sequence(),
        agent: agent(),
        cluster,
        machines,
        jobs: newestFirst(jobs),
        models: [makeModel('mnist', 2)],
      }),
    stop: async () => {
      stop()
      return ok({ done: true as const })
    },
  } satisfies Partial<ControlHandlers>
}

const cluster = {
  id: 'a'.repeat(64),
  name: 'office',
  roles: ['admin' as const, 'submit' as const, 'work' as const],
  head: 'peer-anna',
  headName: 'anna',
  term: 1,
}

const machines = [
  makeMachine({ peer: 'peer-anna', name: 'anna', liveness: 'self', isHead: true }),
  makeMachine({ peer: 'peer-ben', name: 'ben', reason: 'its owner is back' }),
]

const clusterHandlers = {
  createCluster: async ({ body }) =>
    body.name === 'taken'
      ? err(
          musterError(
            'AlreadyInCluster',
            'This agent belongs to the cluster office already; remove it there first.',
          ),
        )
      : ok({ ...cluster, name: body.name, recoveryCode: 'RECOVERY-1234' }),
  cluster: async () => ok(cluster),
  invite: async ({ body }) =>
    ok({
      code: 'MUSTER-INVITE-1',
      words: 'apple river seven',
      roles: body.roles ?? ['work'],
      expiresAt: Date.now() + (body.expiresInSeconds ?? 600) * 1_000,
      addresses: ['/ip4/192.0.2.7/tcp/7432'],
    }),
  join: async ({ body }) =>
    body.code === 'MUSTER-INVITE-1'
      ? ok({ ...cluster, roles: ['work' as const], words: 'apple river seven' })
      : err(musterError('InvitationExpired', 'The invitation has expired; ask for a new one.')),
  members: async () => ok({ members: machines }),
  removeMember: async ({ query }) =>
    query.peer === 'ben' || query.peer === 'peer-ben'
      ? ok({ done: true as const })
      : err(
          musterError(
            'MemberUnknown',
            `No member is called ${query.peer}; \`muster cluster members\` lists them.`,
          ),
        ),
  addAddress: async ({ body }) =>
    body.address.startsWith('/')
      ? ok({ done: true as const })
      : err(
          musterError(
            'PeerUnreachable',
            `Nobody answers at ${body.address}; check it and try again.`,
            { retryable: true },
          ),
        ),
  peers: async () => ok({ peers: machines }),
} satisfies Partial<ControlHandlers>

const modelHandlers = {
  registerModel: async ({ body }) =>
    body.path.endsWith('.onnx')
      ? ok({
          ...makeModel(body.name, 1),
          description: body.description ?? '',
          tags: body.tags ?? {},
        })
      : err(
          musterError(
            'ModelBroken',
            `The file ${body.path} is no ONNX model; choose a file that ends in .onnx.`,
          ),
        ),
  models: async () => ok({ models: [makeModel('mnist', 2), makeModel('mnist', 1)] }),
  model: async ({ query }) =>
    query.model.startsWith('mnist')
      ? ok(makeModel('mnist', Number(query.model.split(':')[1] ?? 2)))
      : err(
          musterError(
            'ModelUnknown',
            `No model is called ${query.model}; \`muster model list\` shows them.`,
          ),
        ),
} satisfies Partial<ControlHandlers>

const unknownData = (kind: string, name: string): MusterError =>
  musterError('DataUnknown', `No ${kind} "${name}" is registered; there are scans.`)

const registryHandlers = {
  registerDatastore: async ({ body }) =>
    body.name === 'taken' && body.overwrite !== true
      ? err(musterError('NameTaken', 'The datastore "taken" is /old on anna already.'))
      : ok(makeDatastore(body.name, body.path, body.share)),
  datastores: async () => ok({ datastores: [makeDatastore('default', '/home/datastore')] }),
  datastore: async ({ query }) =>
    query.datastore === 'scans'
      ? ok(makeDatastore('scans', '/data/scans'))
      : err(unknownData('datastore', query.datastore)),
  removeDatastore: async ({ query }) =>
    query.datastore === 'scans'
      ? ok({ done: true as const })
      : err(unknownData('datastore', query.datastore)),
  registerDataset: async ({ body }) =>
    ok({
      ...makeDataset(body.name, 1),
      type: body.type ?? 'file',
      ...(body.patterns === undefined ? {} : { patterns: body.patterns }),
      options: body.options ?? {},
    }),
  datasets: async () => ok({ datasets: [makeDataset('july', 2), makeDataset('july', 1)] }),
  dataset: async ({ query }) =>
    query.dataset.startsWith('july')
      ? ok(makeDataset('july', Number(query.dataset.split(':')[1] ?? 2)))
      : err(unknownData('dataset', query.dataset)),
  previewData: async ({ body }) =>
    typeof body.input !== 'string' && body.input['type'] === 'table'
      ? ok({
          kind: 'table' as const,
          files: [],
          columns: ['shop', 'sold'],
          rows: [
            { name: 'a.csv#1', value: { shop: 'north', sold: 3 }, problem: '' },
            { name: 'a.csv#2', value: null, problem: 'has 3 fields' },
          ],
          more: true,
        })
      : ok({
          kind: 'files' as const,
          files: [{ name: 'a.png', bytes: 1_000, modifiedAt: 1_700_000_000_000 }],
          columns: [],
          rows: [],
          more: false,
        }),
  checkFile: async ({ body }) =>
    ok({
      kind: 'job' as const,
      fields: { name: 'digits' },
      steps: body.parameters === undefined ? ['digits'] : [],
      warnings: [],
      problem:
        body.parameters === undefined
          ? null
          : {
              code: 'JobFileInvalid',
              message: 'The file has no parameter "size": it has none.',
              retryable: false,
            },
    }),
  tryJob: async ({ body }) =>
    ok({
      step: 'digits',
      rows: [
        { item: 0, name: 'a.png', value: { digit: 3 }, failure: '' },
        { item: 1, name: 'b.png', value: { digit: 4 }, failure: '' },
      ],
      files: [],
      problem: body.count === 1 ? 'run() threw: Error: no digit.' : '',
      runMs: 12,
      warnings: ['"compute" (job.yaml:1:1) has no effect: none.'],
    }),
} satisfies Partial<ControlHandlers>

const unknownJob = (job: string): MusterError =>
  musterError('JobUnknown', `No job starts with ${job}; \`muster job list\` shows them.`)

const newestFirst = (jobs: Shared['jobs']): JobView[] => [...jobs.values()].toReversed()

const changeJob = (shared: Shared, id: string, change: Partial<JobView>): JobView => {
  const job = { ...(shared.jobs.get(id) ?? makeJob(id)), ...change }
  shared.jobs.set(id, job)
  shared.deltas.push({ kind: 'job-changed', job })
  return job
}

const jobHandlers = (shared: Shared) => {
  const find = (start: string): JobView | undefined =>
    newestFirst(shared.jobs).find((job) => job.id.startsWith(start))
  const withJob = async <T>(start: string, answer: (job: JobView) => T) => {
    const job = find(start)
    return job === undefined ? err(unknownJob(start)) : ok(answer(job))
  }
  return {
    submitJob: async ({ body }) => {
      const wrong = body.text.split('\n').findIndex((line) => line.startsWith('mini_bach_size'))
      if (wrong >= 0) {
        const position = { file: body.file, line: wrong + 1, column: 1 }
        return err(
          musterError(
            'JobFileInvalid',
            'The field mini_bach_size is unknown; did you mean mini_batch_size?',
            { position },
          ),
        )
      }
      const id = `01JOB${String(shared.jobs.size + 1).padStart(21, '0')}`
      return ok(changeJob(shared, id, { name: /^name: (.*)$/m.exec(body.text)?.[1] ?? 'digits' }))
    },
    jobs: async ({ query }) => ok({ jobs: newestFirst(shared.jobs).slice(0, query.limit) }),
    job: ({ query }) =>
      withJob(query.job, (job) => ({
        ...job,
        spec: { mini_batch_size: 10 },
        file: { mini_batch_size: 10 },
        peers: [{ peer: 'peer-ben', name: 'ben', miniBatches: 2, items: 20, share: 0.8 }],
        failures:
          job.itemsFailed === 0
            ? []
            : [
                {
                  message: 'The file is no image.',
                  common: 'The file is no image.',
                  cause: 'item',
                  count: job.itemsFailed,
                  first: {
                    item: '0007.png',
                    miniBatch: 0,
                    attempt: 1,
                    peer: 'peer-ben',
                    peerName: 'ben',
                  },
                },
              ],
      })),
    resubmitJob: async ({ query, body }) => {
      const job = find(query.job)
      if (job === undefined) return err(unknownJob(query.job))
      const id = `01JOB${String(shared.jobs.size + 1).padStart(21, '0')}`
      return ok(changeJob(shared, id, { name: String(body.overrides?.['name'] ?? job.name) }))
    },
    forgetJob: async ({ query }) => {
      const job = find(query.job)
      if (job === undefined) return err(unknownJob(query.job))
      const forgotten = { by: job.submitter, byName: job.submitterName, at: 1 }
      return ok({
        ...changeJob(shared, job.id, { forgotten, rows: 0 }),
        left: '/data/chosen',
        sharedWith: [{ id: '01K9Z5', name: 'digits-again' }],
      })
    },
    pauseJob: ({ query }) =>
      withJob(query.job, (job) => changeJob(shared, job.id, { state: 'Paused' })),
    resumeJob: ({ query }) =>
      withJob(query.job, (job) => changeJob(shared, job.id, { state: 'Running' })),
    pools: async () => ok({ pools: [...shared.pools.values()] }),
    pool: async ({ query }) => {
      const pool = shared.pools.get(query.pool)
      return pool === undefined ? err(unknownPool(query.pool)) : ok(pool)
    },
    createPool: async ({ body }) => {
      const pool = poolNamed(body.name, body)
      shared.pools.set(body.name, pool)
      return ok(pool)
    },
    removePool: async ({ query }) =>
      shared.pools.delete(query.pool) ? ok({ done: true }) : err(unknownPool(query.pool)),
    cancelJob: async ({ query }) => {
      const job = find(query.job)
      if (job === undefined) return err(unknownJob(query.job))
      return ok(changeJob(shared, job.id, { state: 'CancelRequested' }))
    },
    results: ({ query }) => withJob(query.job, () => pageOfRows(shared.rows, query)),
    exportRows: async ({ query, body }) => {
      if (!shared.jobs.has(query.job)) return err(unknownJob(query.job))
      const text = exportedText(body.format ?? 'csv', body.head ?? shared.rows)
      await writeFile(body.path, text, { flag: body.overwrite === true ? 'w' : 'wx' })
      const rows = Math.min(shared.rows, body.head ?? shared.rows)
      return ok({ path: body.path, rows, bytes: text.length, elsewhere: 0 })
    },
    miniBatches: ({ query }) =>
      withJob(query.job, () => ({ total: 3, states: 'cl.', first: 0, peers: [], runs: [] })),
    timeline: ({ query }) =>
      withJob(query.job, () => ({ at: 0, from: 0, note: '', peers: [], attempts: [] })),
    jobLogs: ({ query }) =>
      withJob(query.job, (job) => ({
        job: job.id,
        overview: `Job           ${job.name} (${job.id})\n`,
        folder: '/home/anna/outputs/logs',
        logs: [benLog],
        missing: ['cem'],
      })),
    jobLog: ({ query }) =>
      withJob(query.job, (job) => {
        const text = ['one\n', 'two \u001b[2J\n'].slice(-(query.tail ?? 2)).join('')
        return { job: job.id, logs: query.peer === 'ben' ? [{ ...benLog, text }] : [] }
      }),
    attempts: ({ query }) =>
      withJob(query.job, () => ({
        attempts: [processed(query.cursor === undefined ? 0 : 1)],
        next: query.cursor === undefined ? '0.1' : null,
      })),
    explain: ({ query }) =>
      withJob(query.job, (job) => ({
        job: job.id,
        lines:
          query.miniBatch === undefined
            ? ['The job runs on 2 machines.', 'Mini-batch 2 waits for a free slot.']
            : [`Mini-batch ${query.miniBatch} was committed by ben.`],
      })),
  } satisfies Partial<ControlHandlers>
}

const ben = { peer: 'peer-ben', peerName: 'ben' } as const
const benLog = { ...ben, process: 0, startedAt: 1_700_000_000_000, bytes: 12 } as const
const processed = (miniBatch: number) => ({
  ...ben,
  miniBatch,
  process: 0,
  attempt: 1,
  startedAt: 1_700_000_000_000,
  items: 10,
  succeeded: 9,
  failed: 1,
  seconds: 0.25,
  status: 'succeeded' as const,
  message: 'It is no image, "really".',
})

/** Every seventh item failed; the others carry a label and a score. */
const pageOfRows = (
  count: number,
  query: {
    cursor?: string | undefined
    limit?: number | undefined
    offset?: number | undefined
    only?: 'rows' | 'failures' | undefined
  },
) => {
  const all: RowView[] = Array.from({ length: count }, (_, item) => makeRow(item))
  const fitting = all.filter(
    (row) => query.only === undefined || (row.failure === '') === (query.only === 'rows'),
  )
  const from = query.cursor === undefined ? (query.offset ?? 0) : Number(query.cursor)
  const rows = fitting.slice(from, from + (query.limit ?? 100))
  const next = from + rows.length < fitting.length ? String(from + rows.length) : null
  return { rows, total: fitting.length, next }
}

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

/** Stands for an exported file: one line a row, and the format in front. */
const exportedText = (format: string, rows: number): string =>
  [format, ...Array.from({ length: rows }, (_, i) => `é${i}`)].map((line) => `${line}\n`).join('')
