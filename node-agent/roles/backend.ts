import type { ClusterCommands } from '#agent/effects/control/cluster-commands.ts'
import { createDownload } from '#agent/effects/control/handlers/export-handlers.ts'
import { createControlHandlers } from '#agent/effects/control/control-handlers.ts'
import { findJob, findKeptJob } from '#agent/effects/control/find-job.ts'
import { withItem } from '#agent/effects/keeper/failed-item.ts'
import { firstFailure, leadToLogs, tellsCause } from '#agent/effects/keeper/first-failure.ts'
import { examine } from '#agent/effects/control/doctor.ts'
import { createCheckFile } from '#agent/effects/submit/check-file.ts'
import { createPreviewData, createPreviewFile } from '#agent/effects/submit/preview.ts'
import { forgetJob, forgottenRefusal } from '#agent/effects/keeper/forgetting.ts'
import { pauseJob } from '#agent/effects/runs/job-pause.ts'
import type { StoreWork } from '#agent/effects/control/store-work.ts'
import type { TryJob } from '#agent/effects/submit/try-job.ts'
import type { MembershipState } from '#agent/membership/state.ts'
import type { ControlBackend, Picture } from '#agent/ports/control-backend.ts'
import type { AgentView, ClusterView, MachineView } from '#protocol/control/views.ts'
import type { DoctorView, LoopDelayView } from '#protocol/control/care-views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { Adapters } from './adapters.ts'
import type { Core } from './core.ts'
import { miniBatchMap, timelineOf } from './job-life.ts'

/** What the control server asks of this agent: queries answered from the roles, commands handed to them. */
export interface BackendDeps {
  readonly core: Core
  readonly adapters: Adapters
  readonly membership: MembershipState
  readonly commands: ClusterCommands
  readonly tryJob: TryJob
  readonly sequence: () => number
  readonly agentView: () => AgentView
  readonly stop: () => void
  readonly home: string
  readonly storeWork: StoreWork
  readonly loopDelay: (() => LoopDelayView) | undefined
}

export const createBackend = (deps: BackendDeps): ControlBackend => {
  const { core, adapters } = deps
  const previewFile = createPreviewFile({ ...adapters, ...core.runLife.registry })
  return {
    handlers: createControlHandlers({
      views: adapters.views,
      commands: deps.commands,
      registry: core.runLife.registry,
      previewData: createPreviewData({ ...adapters, ...core.runLife.registry }),
      checkFile: createCheckFile({ ...adapters, ...core.runLife.registry }),
      submitting: core.runLife.submitting,
      self: adapters.keys.self,
      withNames: core.withNames,
      runLife: core.runLife,
      tryJob: deps.tryJob,
      live: core.live,
      jobLogs: core.logs,
      sequence: deps.sequence,
      agentView: deps.agentView,
      clusterView: () => clusterView(core, deps.membership, adapters.keys.self),
      machines: () => machines(core),
      nameOf: core.nameOf,
      pools: core.pools,
      withItem: (job, group) => withItem(adapters, job, group),
      forgetJob: (fold) => {
        const { self } = adapters.keys
        return forgetJob({ ...adapters, self, rolesOf: core.member.rolesOf }, fold)
      },
      pauseJob: (job, paused) => {
        const { self } = adapters.keys
        return pauseJob({ ...adapters, self, rolesOf: core.member.rolesOf }, job, paused)
      },
      explain: (fold, miniBatch) => explainJob(core, fold, miniBatch),
      miniBatchMap: (fold, range) => miniBatchMap({ core, views: adapters.views }, fold, range),
      timeline: (fold, since) => timelineOf(core, fold, since),
      addAddress: (address) => addAddress(deps, address),
      stop: deps.stop,
      settings: core.settings,
      storeWork: deps.storeWork,
      exports: adapters.exports,
      examine: () => examineAgent(deps),
      loopDelay: deps.loopDelay,
    }),
    picture: (job, item, signal) => picture(deps, job, item, signal),
    inputPicture: async (input, name) => {
      const found = await previewFile(input, name)
      return found.ok ? asPicture(found.value, `"${name}" is not a picture.`) : found
    },
    download: createDownload({
      exports: adapters.exports,
      find: (key) => findKeptJob({ views: adapters.views, nameOf: core.nameOf }, key),
    }),
  }
}

export const machines = (core: Core): readonly MachineView[] =>
  core.member.members().map(core.machineView)

export const clusterView = (
  core: Core,
  membership: MembershipState,
  self: string,
): ClusterView | null => {
  const { genesis } = membership
  const id = core.clusterId()
  if (genesis === undefined || id === null) return null
  const head = core.member.head()
  return {
    id,
    name: genesis.name,
    roles: [...core.member.rolesOf(asPeerId(self))],
    head: head?.head ?? null,
    headName: head === null ? '' : core.nameOf(head.head),
    term: head?.number ?? 0,
  }
}

const examineAgent = ({ core, adapters, agentView, home }: BackendDeps): Promise<DoctorView> =>
  examine({
    probe: adapters.probe,
    home,
    agentView,
    inCluster: () => core.clusterId() !== null,
    machines: () => machines(core),
    reach: core.reach,
    skewOf: core.book.skewOf,
    mdns: () => core.settings.now().mdns,
    devices: adapters.runtime.devices,
    storeBytes: adapters.care.bytes,
    memory: core.memory.sentences,
  })

/** The head's own words if it is here; else what the ledger tells. */
const explainJob = async (
  core: Core,
  fold: JobFold,
  miniBatch: number | undefined,
): Promise<readonly string[]> => {
  const view = core.live.toView(fold)
  const gone = forgottenRefusal(fold, core.nameOf)
  if (gone !== undefined) return [`${view.name} is ${view.state}.`, gone.message]
  const state = `${view.name} is ${view.state}${view.reason === '' ? '.' : `: ${view.reason}`}`
  const isOver = fold.closed !== null || fold.sealed !== null
  const told = isOver ? undefined : core.head.explain(fold.job.id, miniBatch)
  const lines = told ?? (await core.ledgerStory(fold, miniBatch))
  const [found] = await core.adapters.views.failureGroups(fold.job.id, 1)
  const group = found && (await withItem(core.adapters, fold.job.id, found))
  const cause = firstFailure(group, core.nameOf)
  const isTold = group === undefined || tellsCause(view.headline, group)
  const headline = [view.headline, isTold ? '' : `First cause: ${cause}`].filter(
    (line) => line !== '',
  )
  const isFailed = group !== undefined || view.state === 'Failed'
  const leads = miniBatch === undefined && isFailed ? leadToLogs(fold, group, core.nameOf) : []
  const reuse = miniBatch === undefined && view.reuse !== '' ? [view.reuse] : []
  const memory =
    (isOver || miniBatch !== undefined ? undefined : core.memory.sentenceOf(fold.job)) ?? []
  return [state, ...headline, ...leads, ...lines, ...reuse].concat(memory).map(core.withNames)
}

const addAddress = async (
  deps: BackendDeps,
  address: string,
): Promise<Result<void, MusterError>> => {
  const peer = /\/p2p\/([1-9A-HJ-NP-Za-km-z]+)$/.exec(address)?.[1]
  if (peer === undefined)
    return err(
      musterError(
        'RequestInvalid',
        `${address} names no agent; give the whole address as \`muster peers --json\` shows it on the other machine, such as /ip4/192.168.1.7/tcp/4001/p2p/12D3Koo...`,
      ),
    )
  deps.core.member.learnAddresses(asPeerId(peer), [address])
  return deps.adapters.transport.dial(asPeerId(peer), [address])
}

/** The picture of one item: read here, or fetched from the data's peer. */
const picture = async (
  deps: BackendDeps,
  key: string,
  item: number,
  signal: AbortSignal,
): Promise<Result<Picture, MusterError>> => {
  const fold = await findJob(deps.adapters.views, key)
  if (!fold.ok) return fold
  const { job } = fold.value
  const asBytes = { ...job, spec: { ...job.spec, inPlace: false } }
  const found = await deps.core.inputs.fetch(asBytes, item, 1, signal)
  if (!found.ok) return found
  const [content] = found.value
  if (content === undefined || !('bytes' in content) || content.bytes.length > limits.pictureBytes)
    return err(musterError('NotFound', `Item ${item} of job ${job.spec.name} has no picture.`))
  return asPicture(content.bytes, `Item ${item} of job ${job.spec.name} is not a picture.`)
}

const asPicture = (bytes: Uint8Array, otherwise: string): Result<Picture, MusterError> => {
  const mediaType = mediaTypeOf(bytes)
  return mediaType === undefined
    ? err(musterError('NotFound', otherwise))
    : ok({ bytes, mediaType })
}

/** Image types a browser shows, by their first bytes; nothing else is ever served as a picture. */
const mediaTypeOf = (bytes: Uint8Array): string | undefined => {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(12, bytes.length))
  if (start.subarray(0, 4).toString('latin1') === '\x89PNG') return 'image/png'
  if (start[0] === 0xff && start[1] === 0xd8) return 'image/jpeg'
  if (start.subarray(0, 4).toString('latin1') === 'GIF8') return 'image/gif'
  if (start.subarray(8, 12).toString('latin1') === 'WEBP') return 'image/webp'
  return undefined
}
