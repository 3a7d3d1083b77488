import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import type { Exports } from '#agent/ports/exports.ts'
import type { FailureGroup } from '#agent/ports/views.ts'
import type {
  AgentView,
  ClusterView,
  DoctorView,
  JobView,
  LoopDelayView,
  MachineView,
  ModelView,
  MiniBatchMapView,
  SnapshotView,
  TimelineView,
} from '#protocol/control/views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { Model } from '#protocol/model/model.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { ClusterCommands } from './cluster-commands.ts'
import { exportHandlers } from './export-handlers.ts'
import { findJob, findKeptJob } from './find-job.ts'
import { forgottenRefusal } from '../keeper/forgetting.ts'
import type { JobLogs } from '../keeper/job-logs.ts'
import { jobToDetail, rowToView } from './job-views.ts'
import { logHandlers } from '../keeper/log-handlers.ts'
import type { CheckFile } from '../submit/check-file.ts'
import type { PreviewData } from '../submit/preview.ts'
import {
  experimentHandlers,
  pipelineHandlers,
  scheduleHandlers,
} from '../runs/pipeline-handlers.ts'
import type { PipelineHandlerDeps } from '../runs/pipeline-handlers.ts'
import type { Registry } from './registry.ts'
import { lookHandlers, registryHandlers } from './registry-handlers.ts'
import type { Pools } from './pools.ts'
import type { SettingsBook } from './settings.ts'
import type { StoreWork } from './store-work.ts'
import type { TryJob } from '../submit/try-job.ts'
import { notInCluster } from '../submit/submit.ts'
import type { Submitting } from '../submit/submit.ts'

/** One small function for each call of the control API. */
export interface HandlerDeps extends PipelineHandlerDeps {
  readonly commands: ClusterCommands
  readonly submitting: Submitting
  readonly registry: Registry
  readonly previewData: PreviewData
  readonly checkFile: CheckFile
  readonly pools: Pools
  /** The name of the item of a mini-batch that has just one, as far as it is known here; else empty. */
  readonly itemName: (job: JobId, miniBatch: number) => Promise<string>
  readonly pauseJob: (job: JobId, paused: boolean) => Promise<Result<void, MusterError>>
  readonly forgetJob: (fold: JobFold) => Promise<Result<void, MusterError>>
  readonly jobLogs: JobLogs
  readonly tryJob: TryJob
  readonly sequence: () => number
  readonly agentView: () => AgentView
  readonly clusterView: () => ClusterView | null
  readonly machines: () => readonly MachineView[]
  readonly explain: (fold: JobFold, miniBatch: number | undefined) => Promise<readonly string[]>
  readonly miniBatchMap: (
    fold: JobFold,
    range: {
      readonly from: number | undefined
      readonly count: number | undefined
      readonly peers: boolean
    },
  ) => Promise<MiniBatchMapView>
  readonly timeline: (fold: JobFold, since: number) => TimelineView
  readonly addAddress: (address: string) => Promise<Result<void, MusterError>>
  readonly stop: () => void
  readonly settings: SettingsBook
  readonly storeWork: StoreWork
  readonly exports: Exports
  readonly examine: () => Promise<DoctorView>
  /** Undefined unless the agent was started for measuring. */
  readonly loopDelay: (() => LoopDelayView) | undefined
}

export const createControlHandlers = (deps: HandlerDeps): ControlHandlers => ({
  ...agentHandlers(deps),
  ...careHandlers(deps),
  ...clusterHandlers(deps),
  ...modelHandlers(deps),
  ...registryHandlers(deps),
  ...lookHandlers(deps),
  ...jobHandlers(deps),
  ...changeHandlers(deps),
  ...resultHandlers(deps),
  ...exportHandlers({ ...deps, find: (key) => findKeptJob(deps, key) }),
  ...pipelineHandlers(deps),
  ...experimentHandlers(deps),
  ...scheduleHandlers(deps),
  ...poolHandlers(deps),
  ...logHandlers({
    ...deps,
    find: (key) => findKeptJob(deps, key),
    findPeer: (key) => findPeer(deps.machines(), key),
  }),
})

type Handlers<Name extends keyof ControlHandlers> = Pick<ControlHandlers, Name>

const done = { done: true } as const

const agentHandlers = (deps: HandlerDeps): Handlers<'snapshot' | 'agent' | 'stop' | 'peers'> => ({
  snapshot: async () => {
    const sequence = deps.sequence()
    const jobs = await deps.views.jobs(limits.snapshotJobs)
    const models = await deps.views.models()
    const snapshot: SnapshotView = {
      sequence,
      agent: deps.agentView(),
      cluster: deps.clusterView(),
      machines: [...deps.machines()],
      jobs: jobs.map(deps.live.toView),
      models: models.map(modelToView),
    }
    return ok(snapshot)
  },
  agent: async () => ok(deps.agentView()),
  stop: async () => {
    deps.stop()
    return ok(done)
  },
  peers: async () => ok({ peers: [...deps.machines()] }),
})

const careHandlers = (
  deps: HandlerDeps,
): Handlers<
  'doctor' | 'settings' | 'changeSetting' | 'storeWork' | 'startStoreWork' | 'loopDelay'
> => ({
  doctor: async () => ok(await deps.examine()),
  settings: async () => ok({ settings: [...deps.settings.list()] }),
  changeSetting: ({ body }) => deps.settings.change(body.key, body.value),
  storeWork: async () => ok(deps.storeWork.now()),
  startStoreWork: async ({ body }) => deps.storeWork.start(body.kind),
  loopDelay: async () =>
    deps.loopDelay === undefined
      ? err(musterError('NotFound', 'Start the agent with MUSTER_DEBUG=1 to measure its loop.'))
      : ok(deps.loopDelay()),
})

const clusterHandlers = (
  deps: HandlerDeps,
): Handlers<
  'createCluster' | 'cluster' | 'invite' | 'join' | 'members' | 'removeMember' | 'addAddress'
> => {
  const cluster = (): Result<ClusterView, MusterError> => {
    const view = deps.clusterView()
    return view === null ? err(notInCluster) : ok(view)
  }
  return {
    createCluster: async ({ body }) => {
      const created = await deps.commands.create(body.name)
      if (!created.ok) return created
      const view = cluster()
      return view.ok ? ok({ ...view.value, ...created.value }) : view
    },
    cluster: async () => cluster(),
    invite: async ({ body }) => {
      const lifeMs = (body.expiresInSeconds ?? limits.invitationMs / 1_000) * 1_000
      const roles = body.roles ?? ['work']
      const made = deps.commands.invite(roles, lifeMs)
      if (!made.ok) return made
      return ok({ ...made.value, roles, addresses: deps.agentView().addresses })
    },
    join: async ({ body, signal }) => {
      const joined = await deps.commands.join(body.code, signal)
      if (!joined.ok) return joined
      const view = cluster()
      return view.ok ? ok({ ...view.value, ...joined.value }) : view
    },
    members: async () => {
      const view = cluster()
      return view.ok ? ok({ members: [...deps.machines()] }) : view
    },
    removeMember: async ({ query }) => {
      const peer = findPeer(deps.machines(), query.peer)
      if (!peer.ok) return peer
      const removed = await deps.commands.remove(peer.value)
      return removed.ok ? ok(done) : removed
    },
    addAddress: async ({ body }) => {
      const added = await deps.addAddress(body.address)
      return added.ok ? ok(done) : added
    },
  }
}

const modelHandlers = (deps: HandlerDeps): Handlers<'registerModel' | 'models' | 'model'> => ({
  registerModel: async ({ body, signal }) => {
    const wish = { ...body, description: body.description ?? '', tags: body.tags ?? {} }
    const model = await deps.submitting.registerModel(wish, signal)
    return model.ok ? ok(modelToView(model.value)) : model
  },
  models: async () => ok({ models: (await deps.views.models()).map(modelToView) }),
  model: async ({ query }) => {
    const [name = '', version] = query.model.split(':')
    const wanted = version === undefined ? undefined : Number(version)
    const model = await deps.views.model(name, wanted)
    if (model !== undefined) return ok(modelToView(model))
    const message = `No model "${query.model}" is registered; \`muster model list\` shows those that are.`
    return err(musterError('ModelUnknown', message))
  },
})

const jobHandlers = (deps: HandlerDeps): Handlers<'submitJob' | 'resubmitJob' | 'jobs' | 'job'> => {
  const { views, live, nameOf } = deps
  const find = (key: string): Promise<Result<JobFold, MusterError>> => findJob(views, key)
  return {
    submitJob: async ({ body, signal }) => {
      const { submissionId } = body
      const submitted = await deps.runLife.runs.submit(
        {
          text: body.text,
          file: body.file,
          parameters: {},
          overrides: body.overrides ?? {},
          single: true,
          ...(submissionId === undefined ? {} : { submissionId }),
        },
        signal,
      )
      if (!submitted.ok) return submitted
      const [job] = submitted.value.kind === 'run' ? submitted.value.jobs : []
      const fold = await find(job?.id ?? '')
      const { warnings } = submitted.value
      return fold.ok ? ok({ ...live.toView(fold.value), warnings: [...warnings] }) : fold
    },
    resubmitJob: async ({ query, body, signal }) => {
      const fold = await find(query.job)
      if (!fold.ok) return fold
      const gone = forgottenRefusal(fold.value, nameOf)
      if (gone !== undefined) return err(gone)
      const { overrides: changes = {}, submissionId } = body
      const wish = { changes, ...(submissionId === undefined ? {} : { submissionId }) }
      const job = await deps.runLife.runs.resubmitJob(fold.value.job, wish, signal)
      if (!job.ok) return job
      const after = await find(job.value.id)
      return after.ok ? ok(live.toView(after.value)) : after
    },
    jobs: async ({ query }) => {
      const jobs = await views.jobs(query.limit ?? limits.snapshotJobs)
      return ok({ jobs: jobs.map(live.toView) })
    },
    job: async ({ query }) => {
      const fold = await find(query.job)
      if (!fold.ok) return fold
      const { id } = fold.value.job
      const shares = await views.shares(id)
      const groups = await views.failureGroups(id, limits.failureGroups)
      const failures = await Promise.all(groups.map((group) => withItem(deps, id, group)))
      return ok(
        jobToDetail(live.toView(fold.value), { fold: fold.value, shares, failures, nameOf }),
      )
    },
  }
}

const changeHandlers = (
  deps: HandlerDeps,
): Handlers<'cancelJob' | 'pauseJob' | 'resumeJob' | 'forgetJob'> => {
  const change = createChange(deps)
  return {
    cancelJob: ({ query }) => change(query.job, deps.submitting.cancel),
    pauseJob: ({ query }) => change(query.job, (job) => deps.pauseJob(job, true)),
    resumeJob: ({ query }) => change(query.job, (job) => deps.pauseJob(job, false)),
    forgetJob: async ({ query }) => {
      const fold = await findJob(deps.views, query.job)
      if (!fold.ok) return fold
      const { spec } = fold.value.job
      const left = spec.outputPlace?.path ?? ''
      // Afterwards nobody knows any more.
      const sharedWith = [...(await deps.views.sharedRows(fold.value.job.id))]
      const forgotten = await change(fold.value.job.id, () => deps.forgetJob(fold.value))
      return forgotten.ok ? ok({ ...forgotten.value, left, sharedWith }) : forgotten
    },
  }
}

/** Changes a job and shows it as it is then. */
const createChange =
  ({ views, live }: HandlerDeps) =>
  async (
    key: string,
    work: (job: JobId) => Promise<Result<void, MusterError>>,
  ): Promise<Result<JobView, MusterError>> => {
    const fold = await findJob(views, key)
    if (!fold.ok) return fold
    const changed = await work(fold.value.job.id)
    if (!changed.ok) return changed
    const after = await findJob(views, fold.value.job.id)
    return after.ok ? ok(live.toView(after.value)) : after
  }

/** A mini-batch of one item that failed whole is that item: a half that killed its process. */
const withItem = async (
  { itemName }: HandlerDeps,
  job: JobId,
  group: FailureGroup,
): Promise<FailureGroup> => {
  const { first } = group
  if (first.item !== '') return group
  return { ...group, first: { ...first, item: await itemName(job, first.miniBatch) } }
}

const poolHandlers = ({
  pools,
}: HandlerDeps): Handlers<'pools' | 'pool' | 'createPool' | 'removePool'> => ({
  pools: async () => ok({ pools: [...(await pools.list())] }),
  pool: ({ query }) => pools.find(query.pool),
  createPool: ({ body }) => pools.set(body),
  removePool: async ({ query }) => {
    const removed = await pools.remove(query.pool)
    return removed.ok ? ok(done) : removed
  },
})

const resultHandlers = (
  deps: HandlerDeps,
): Handlers<'results' | 'miniBatches' | 'timeline' | 'explain'> => {
  const { views, nameOf } = deps
  const find = (key: string): Promise<Result<JobFold, MusterError>> => findJob(views, key)
  return {
    results: async ({ query }) => {
      const fold = await findKeptJob(deps, query.job)
      if (!fold.ok) return fold
      const page = await views.rows({
        job: fold.value.job.id,
        limit: query.limit ?? 100,
        ...(query.cursor === undefined ? {} : { after: query.cursor }),
        ...(query.offset === undefined ? {} : { offset: query.offset }),
        ...(query.search === undefined ? {} : { search: query.search }),
        ...(query.equals === undefined
          ? {}
          : { where: { field: query.field ?? '', equals: query.equals } }),
        ...(query.only === undefined ? {} : { only: query.only }),
      })
      return ok({ ...page, rows: page.rows.map((row) => rowToView(row, nameOf)) })
    },
    miniBatches: async ({ query }) => {
      const fold = await find(query.job)
      if (!fold.ok) return fold
      const { from, count, peers } = query
      return ok(await deps.miniBatchMap(fold.value, { from, count, peers: peers === 'true' }))
    },
    timeline: async ({ query }) => {
      const fold = await find(query.job)
      return fold.ok ? ok(deps.timeline(fold.value, query.since ?? 0)) : fold
    },
    explain: async ({ query }) => {
      const fold = await find(query.job)
      if (!fold.ok) return fold
      const lines = await deps.explain(fold.value, query.miniBatch)
      return ok({ job: fold.value.job.id, lines: [...lines] })
    },
  }
}

const findPeer = (machines: readonly MachineView[], key: string): Result<PeerId, MusterError> => {
  const found = machines.filter((machine) => machine.peer === key || machine.name === key)
  const [first, second] = found
  if (first === undefined || second !== undefined)
    return err(
      musterError(
        'MemberUnknown',
        first === undefined
          ? `No member is called "${key}"; \`muster cluster members\` shows all of them.`
          : `Several members are called "${key}"; give the PeerId instead.`,
      ),
    )
  return ok(first.peer as PeerId)
}

export const modelToView = (model: Model): ModelView => ({
  name: model.name,
  version: model.version,
  description: model.description,
  tags: { ...model.tags },
  files: model.files.map((file) => ({ ...file })),
  inputs: model.facts.inputs.map((one) => ({ ...one, shape: [...one.shape] })),
  outputs: model.facts.outputs.map((one) => ({ ...one, shape: [...one.shape] })),
  opset: model.facts.opset,
  producer: model.facts.producer,
  parameters: model.facts.parameters,
  bytes: model.facts.bytes,
  registeredBy: model.registeredBy,
  registeredAt: model.registeredAt,
})
