import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createDeltaLog } from '#agent/control/delta-log.ts'
import type { DeltaLog } from '#agent/control/delta-log.ts'
import { startControlServer } from '#agent/control/server.ts'
import type { ControlServer } from '#agent/control/server.ts'
import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import type { Log } from '#agent/ports/log.ts'
import { api } from '#protocol/control/api.ts'
import { controlFileName } from '#protocol/control/control-file.ts'
import { createControlClient } from '#protocol/control/client.ts'
import type { DeltaView, SnapshotView } from '#protocol/control/views.ts'
import type { JobView, RowView } from '#protocol/control/job-views.ts'
import { musterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import { digitSide, encodeGreyPng, readDigits } from '../../examples/mnist/digits.ts'
import type { Digits } from '../../examples/mnist/digits.ts'
import { limits } from '#protocol/limits.ts'
import { makeJob } from './control-views.ts'
import { dataHandlers } from './window-fixture-data.ts'
import { logHandlers } from './window-fixture-logs.ts'
import { settingsHandlers } from './window-fixture-settings.ts'
import { runHandlers } from './window-fixture-runs.ts'
import type { FakeRuns } from './window-fixture-runs.ts'
import type { RunData } from './window-runs.ts'
import type { WindowData } from './window-data.ts'

/**
 * The real control server, with its cookies, guards and Content-Security-Policy, over made-up data. For
 * layout tests only: what a real agent shows is tested with real agents.
 */
export interface WindowFixture extends AsyncDisposable {
  readonly webAddress: string
  readonly home: string
  /** A one-time link as `muster ui` opens it. */
  readonly signInUrl: () => Promise<string>
  /** Commands the page sent, newest last. */
  readonly commands: { readonly name: string; readonly query: unknown; readonly body: unknown }[]
  /** Changes the state and tells the followers. */
  readonly tell: (delta: DeltaView) => void
  readonly jobs: () => readonly JobView[]
  /** Changes the runs without a word. */
  readonly changeRuns: (change: (runs: RunData['runs']) => RunData['runs']) => void
}

export interface WindowFixtureOptions {
  readonly data: WindowData
  /** Folder of the built page. */
  readonly pageFolder: string
  readonly port?: number
}

export const startWindowFixture = async (options: WindowFixtureOptions): Promise<WindowFixture> => {
  const home = await mkdtemp(join(tmpdir(), 'muster-window-'))
  // As the agent does: the time of the start tells its numbers apart from those of the run before.
  const deltas = createDeltaLog(Date.now())
  const state = { ...options.data, jobs: [...options.data.jobs] }
  const commands: WindowFixture['commands'] = []
  const fake: Fake = { home, deltas, state, commands, webAddress: '', startedAt: Date.now() }
  const digits = await readDigits()
  const started = await startControlServer({
    backend: {
      handlers: handlersOf(fake),
      picture: async (id, item) => pictureOf(fake, digits, { id, item }),
      inputPicture: async (_, name) => digitPicture(digits, Number.parseInt(name, 10)),
      download: async ({ job, format }) => {
        const bytes = Buffer.from(`rows of ${job}`)
        const parts = (async function* () {
          yield bytes
        })()
        return ok({ fileName: `${job}.${format}`, bytes: bytes.length, parts })
      },
    },
    deltas,
    pageFolder: options.pageFolder,
    host: '127.0.0.1',
    port: options.port ?? 0,
    tokenFile: join(home, controlFileName),
    peer: 'peer-0',
    version: '0.1.0',
    log: silentLog,
  })
  if (!started.ok) throw new Error(started.error.message)
  const server = started.value
  fake.webAddress = server.webAddress
  return {
    webAddress: server.webAddress,
    home,
    commands,
    signInUrl: () => signInUrl(server),
    tell: (delta) => tell(fake, delta),
    jobs: () => state.jobs,
    changeRuns: (change) => {
      fake.state.runs = change(fake.state.runs)
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await rm(home, { recursive: true, force: true })
    },
  }
}

const signInUrl = async (server: ControlServer): Promise<string> => {
  const client = createControlClient({ baseUrl: server.webAddress, token: server.token })
  return (await client.call('signInCode')).url
}

interface Fake {
  readonly home: string
  readonly deltas: DeltaLog
  readonly state: Omit<WindowData, 'jobs' | keyof RunData> & FakeRuns['state'] & { jobs: JobView[] }
  readonly commands: WindowFixture['commands']
  readonly startedAt: number
  webAddress: string
}

const tell = ({ state, deltas }: Fake, delta: DeltaView): void => {
  if (delta.kind === 'job-changed') {
    state.jobs = [delta.job, ...state.jobs.filter(({ id }) => id !== delta.job.id)]
  }
  deltas.push(delta)
}

const pictureOf = (
  { state }: Fake,
  digits: Digits,
  { id, item }: { readonly id: string; readonly item: number },
) => {
  const job = state.jobs.find((known) => known.id === id)
  // An item that is no image is served as the bytes it is.
  if (job !== undefined && state.row(job, item).failure.startsWith('The file is no image')) {
    return ok({ bytes: new TextEncoder().encode('no image'), mediaType: 'text/plain' })
  }
  return digitPicture(digits, item)
}

const digitPicture = (digits: Digits, item: number) => {
  const bytes = digitSide * digitSide
  const start = (item % digits.count) * bytes
  const pixels = digits.pixels.subarray(start, start + bytes)
  return ok({ bytes: encodeGreyPng(pixels, digitSide, digitSide), mediaType: 'image/png' })
}

const handlersOf = (fake: Fake): ControlHandlers => ({
  ...unanswered,
  ...stateHandlers(fake),
  ...clusterHandlers(fake),
  ...jobHandlers(fake),
  ...logHandlers,
  ...settingsHandlers(fake.commands),
  ...dataHandlers({
    ...fake,
    tellJob: (job) => tell(fake, { kind: 'job-changed', job }),
    tellModel: (model) => tell(fake, { kind: 'model-changed', model }),
  }),
  ...runHandlers({ ...fake, tellJob: (job) => tell(fake, { kind: 'job-changed', job }) }),
})

const notHere = (name: string) => musterError('Internal', `The fixture does not answer ${name}.`)

/** What the page does not ask for. */
const unanswered = Object.fromEntries(
  Object.keys(api).map((name) => [name, async () => err(notHere(name))]),
) as unknown as ControlHandlers

const stateHandlers = (fake: Fake) => {
  const { state, deltas, home } = fake
  const agent = (): SnapshotView['agent'] => ({
    peer: 'peer-0',
    name: 'anna',
    version: '0.1.0',
    node: process.version,
    home,
    pid: process.pid,
    startedAt: fake.startedAt,
    addresses: [],
    webAddress: fake.webAddress,
    itemsStreamed: 0,
  })
  return {
    agent: async () => ok(agent()),
    stop: async () => ok({ done: true as const }),
    snapshot: async () =>
      ok({
        sequence: deltas.sequence(),
        agent: agent(),
        cluster: state.cluster,
        machines: [...state.machines],
        jobs: state.jobs.slice(0, 500),
        models: [...state.models],
      }),
    models: async () => ok({ models: [...state.models] }),
    peers: async () => ok({ peers: [...state.machines] }),
    members: async () => ok({ members: [...state.machines] }),
  } satisfies Partial<ControlHandlers>
}

const clusterHandlers = (fake: Fake) => {
  const { state, commands } = fake
  const cluster = state.cluster ?? emptyCluster
  return {
    cluster: async () => ok(cluster),
    createCluster: async ({ body }) => {
      commands.push({ name: 'createCluster', query: {}, body })
      const created = { ...cluster, name: body.name }
      tell(fake, { kind: 'cluster-changed', cluster: created })
      return ok({ ...created, recoveryCode: '4F2K-9QXM-7TBD-W3HN-8PVC-1ZRJ' })
    },
    invite: async ({ body }) => {
      commands.push({ name: 'invite', query: {}, body })
      return ok({
        code: invitationCode,
        words: 'apple river seven quiet',
        roles: body.roles ?? ['work'],
        expiresAt: Date.now() + 600_000,
        addresses: ['/ip4/192.0.2.7/tcp/7432'],
      })
    },
    join: async ({ body }) => {
      commands.push({ name: 'join', query: {}, body })
      if (body.code === 'OLD')
        return err(
          musterError('InvitationExpired', 'The invitation has expired; ask for a new one.'),
        )
      tell(fake, { kind: 'cluster-changed', cluster })
      return ok({ ...cluster, words: 'apple river seven quiet' })
    },
    removeMember: async ({ query }) => {
      commands.push({ name: 'removeMember', query, body: {} })
      return ok({ done: true as const })
    },
    addAddress: async () => ok({ done: true as const }),
  } satisfies Partial<ControlHandlers>
}

const invitationCode = `MUSTER1-${'7QF4KZ9XB2M6TDW8HNPVC1RJ3GY5S0LA'.repeat(5)}`

const emptyCluster: NonNullable<SnapshotView['cluster']> = {
  id: 'a'.repeat(64),
  name: 'new',
  roles: ['admin', 'submit', 'work'],
  head: 'peer-0',
  headName: 'anna',
  term: 1,
}

const jobHandlers = (fake: Fake) => {
  const { state, commands } = fake
  const withJob = async <T>(id: string, answer: (job: JobView) => T) => {
    const job = state.jobs.find((known) => known.id === id)
    return job === undefined
      ? err(musterError('JobUnknown', `No job starts with ${id}; \`muster job list\` shows them.`))
      : ok(answer(job))
  }
  return {
    jobs: async () => ok({ jobs: state.jobs }),
    job: ({ query }) => withJob(query.job, state.detail),
    cancelJob: ({ query }) =>
      withJob(query.job, (job) => {
        commands.push({ name: 'cancelJob', query, body: {} })
        const canceled = { ...job, state: 'CancelRequested' as const }
        tell(fake, { kind: 'job-changed', job: canceled })
        return canceled
      }),
    forgetJob: ({ query }) =>
      withJob(query.job, (job) => {
        commands.push({ name: 'forgetJob', query, body: {} })
        const reason = 'It was forgotten by anna: its rows are gone.'
        const forgotten = { by: job.submitter, byName: 'anna', at: job.submittedAt }
        const gone = { ...job, forgotten, reason, headline: '', rows: 0 }
        tell(fake, { kind: 'job-changed', job: gone })
        return { ...gone, left: '', sharedWith: [{ id: 'later', name: 'digits-again' }] }
      }),
    results: ({ query }) => withJob(query.job, (job) => pageOf(state, job, query)),
    miniBatches: ({ query }) => withJob(query.job, (job) => mapOf(state, job, query)),
    timeline: ({ query }) => withJob(query.job, (job) => state.timeline(job, query.since ?? 0)),
    resubmitJob: ({ query, body }) => resubmit(fake, query.job, body),
    explain: ({ query }) =>
      withJob(query.job, (job) => ({
        job: job.id,
        lines:
          query.miniBatch === undefined
            ? [
                'The job runs on 3 of 4 machines: anna, ben, cem.',
                'dora is away: last heard 92 s ago.',
                'cem takes no new mini-batches: its owner is back.',
                '142 mini-batches wait for a free slot.',
              ]
            : [
                `Mini-batch ${query.miniBatch} was granted to ben as attempt 1.`,
                'ben was lost; the attempt was not charged.',
                'It was granted to anna as attempt 2 and committed after 12 ms.',
              ],
      })),
  } satisfies Partial<ControlHandlers>
}

const mapOf = (
  data: Pick<WindowData, 'states' | 'peerOf' | 'peers'>,
  job: JobView,
  query: {
    from?: number | undefined
    count?: number | undefined
    peers?: 'true' | undefined
  },
) => {
  const first = query.from ?? 0
  const states = data.states(job).slice(first, first + (query.count ?? job.miniBatches))
  const runs: [number, number][] = []
  if (query.peers !== undefined && states.length <= limits.mapPeers)
    for (let index = 0; index < states.length; index += 1) {
      const isKnown = states[index] !== '.' && states[index] !== 'x'
      const peer = isKnown ? data.peerOf(first + index) : -1
      if (runs.at(-1)?.[1] !== peer) runs.push([first + index, peer])
    }
  return { total: job.miniBatches, states, first, peers: [...data.peers], runs }
}

/** As the agent does: one field is checked, jobs whose data is elsewhere are refused. */
const resubmit = async (
  fake: Fake,
  id: string,
  body: { overrides?: Record<string, string | number | boolean | null> | undefined },
) => {
  const before = fake.state.jobs.find((known) => known.id === id)
  if (before === undefined) return err(musterError('JobUnknown', `There is no job "${id}".`))
  fake.commands.push({ name: 'resubmitJob', query: { job: id }, body })
  const { overrides = {} } = body
  const size = overrides['mini_batch_size']
  if (typeof size === 'number' && size < 1) {
    const words = `"mini_batch_size" is ${size}, but must be a whole number of files from 1 to 100000.`
    return err(musterError('JobFileInvalid', words))
  }
  const job = makeJob(`01KA0RESUBMIT${String(fake.state.jobs.length).padStart(13, '0')}`, {
    ...before,
    id: `01KA0RESUBMIT${String(fake.state.jobs.length).padStart(13, '0')}`,
    name: String(overrides['name'] ?? before.name),
    state: 'Preparing',
    submittedAt: Date.now(),
    startedAt: null,
    endedAt: null,
    itemsSucceeded: 0,
    itemsFailed: 0,
    rows: 0,
    rowsHere: 0,
    output: '',
  })
  tell(fake, { kind: 'job-changed', job })
  return ok(job)
}

/** Rows are made when asked for; only failures and searches are looked for one by one. */
const pageOf = (
  data: Pick<WindowData, 'row'>,
  job: JobView,
  query: {
    offset?: number | undefined
    limit?: number | undefined
    search?: string | undefined
    only?: 'rows' | 'failures' | undefined
    field?: string | undefined
    equals?: string | undefined
  },
) => {
  const all = job.rowsHere + job.itemsFailed
  const offset = query.offset ?? 0
  const limit = query.limit ?? 100
  const { search, only, field = '', equals } = query
  const found: RowView[] = []
  if (search === undefined && only === undefined && equals === undefined) {
    for (let item = offset; item < Math.min(all, offset + limit); item += 1) {
      found.push(data.row(job, item))
    }
    return { rows: found, total: all, next: null }
  }
  for (let item = 0; item < all; item += 1) {
    const row = data.row(job, item)
    const text = `${row.name} ${JSON.stringify(row.value)} ${row.failure}`
    const value = row.value as Readonly<Record<string, unknown>> | null
    const fits =
      (only === undefined || (only === 'failures') === (row.failure !== '')) &&
      (search === undefined || text.includes(search)) &&
      (equals === undefined || (value !== null && String(value[field]) === equals))
    if (fits) found.push(row)
  }
  return { rows: found.slice(offset, offset + limit), total: found.length, next: null }
}

const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (message, fields) => console.error(message, fields),
  child: () => silentLog,
}
