import { join } from 'node:path'
import process from 'node:process'
import { createDeltaLog } from '#agent/control/delta-log.ts'
import { startControlServer } from '#agent/control/server.ts'
import { modelToView } from '#agent/effects/control/handlers/model-handlers.ts'
import { loadSettings } from '#agent/effects/control/settings.ts'
import type { GivenSettings, SettingsBook } from '#agent/effects/control/settings.ts'
import { createStoreWork } from '#agent/effects/control/store-work.ts'
import { createTryJob } from '#agent/effects/submit/try-job.ts'
import { baseName, beside } from '#agent/data/paths.ts'
import { measureLoop } from '#agent/host/loop-delay.ts'
import { startMemoryCare } from '#agent/host/memory-care.ts'
import { createMembership } from '#agent/membership/state.ts'
import type { MembershipState } from '#agent/membership/state.ts'
import { openAdapters } from '#agent/open-adapters.ts'
import type { AgentOptions, RunningAgent, StartAgent } from '#agent/ports/agent-options.ts'
import type { Adapters } from '#agent/roles/adapters.ts'
import { clusterView, createBackend } from '#agent/roles/backend.ts'
import { createClusterLife } from '#agent/roles/cluster-life.ts'
import type { ClusterLife } from '#agent/roles/cluster-life.ts'
import { createJobFolders } from '#agent/roles/job-folders.ts'
import { createCore } from '#agent/roles/core.ts'
import type { Core } from '#agent/roles/core.ts'
import { announceMachine, settingsChanged } from '#agent/roles/settings-changed.ts'
import { agentVersion } from '#agent/version.ts'
import { MusterFailure } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { AgentView, DeltaView } from '#protocol/control/views.ts'
import { limits } from '#protocol/limits.ts'
import type { Capabilities } from '#protocol/model/member.ts'
import { ok } from '#protocol/model/result.ts'
import { tagsOf } from '#protocol/spec/settings.ts'
import type { Settings } from '#protocol/spec/settings.ts'

/**
 * Composition root of the agent: opens the adapters, joins the roles, serves the control API. Everything
 * opened is closed in the opposite order, whether starting fails half-way or the agent is stopped.
 */
export const startAgent: StartAgent = async (options) => {
  await using opened = new AsyncDisposableStack()
  const startedAt = Date.now()
  // The transport asks before these exist; until then nobody belongs and nothing is open.
  const later: { membership?: MembershipState; life?: ClusterLife; facts?: () => Capabilities } = {}

  const adapters = await openAdapters(options, opened, {
    startedAt,
    capabilities: () => later.facts?.() ?? nobody,
    isMember: (peer) =>
      later.membership?.members.has(peer) === true || later.life?.trusts(peer) === true,
    pairingOpen: () => later.life?.commands.pairingOpen() === true,
  })
  if (!adapters.ok) return adapters
  const settings = await loadSettings({ ...adapters.value, given: givenBy(options) })
  const facts = (): Capabilities => describeMachine(settings.now(), adapters.value)
  const membership = createMembership(adapters.value.keys.self)
  const parts: Parts = { options, startedAt, facts, settings, membership, adapters: adapters.value }
  Object.assign(later, { membership, facts })

  const ending = createEnding(parts)
  const deltas = createDeltaLog(startedAt)
  let server: { readonly webAddress: string } = { webAddress: '' }
  const agentView = (): AgentView => viewOf(parts, server.webAddress, core.inputs.itemsStreamed())
  const core = joinRoles(parts, deltas.push, agentView, ending.fail)
  opened.use(core)
  const life = createClusterLife({ ...parts, core })
  later.life = life
  await core.restore()
  const resumed = await life.resume()
  if (!resumed.ok) return resumed

  const backend = createBackend({
    core,
    adapters: adapters.value,
    membership,
    commands: life.commands,
    tryJob: joinTrying(parts, core),
    sequence: deltas.sequence,
    agentView,
    stop: ending.stopSoon,
    home: options.home,
    storeWork: opened.use(joinStoreWork(parts)),
    loopDelay: measureLoop(opened),
  })
  const started = await startControlServer({
    backend,
    deltas,
    pageFolder: options.pageFolder,
    host: '127.0.0.1',
    port: options.webPort,
    tokenFile: join(options.home, 'control.json'),
    peer: adapters.value.keys.self,
    version: agentVersion,
    log: adapters.value.log.child('control'),
  })
  if (!started.ok) return started
  server = started.value
  opened.use(started.value)
  void findDevices(parts, core)
  opened.use(startMemoryCare(adapters.value.log))
  adapters.value.log.info('agent is ready', { webAddress: server.webAddress, slots: facts().slots })
  return ok(ending.own(opened.move(), core, server.webAddress))
}

/** What every part of the composition needs. */
interface Parts {
  readonly options: AgentOptions
  readonly startedAt: number
  /** What this machine is now. */
  readonly facts: () => Capabilities
  readonly settings: SettingsBook
  readonly membership: MembershipState
  readonly adapters: Adapters
}

/** Looking for graphics cards must not delay the start: it is told to the others when one is found. */
const findDevices = async ({ adapters, facts }: Parts, core: Core): Promise<void> => {
  const known = adapters.runtime.devices().join()
  const found = await adapters.runtime.probeDevices()
  if (found.join() !== known) announceMachine(core, facts())
}

/** Said of this machine before it knows itself; never sent, since nothing is dialled that early. */
const nobody: Capabilities = {
  name: 'starting',
  agentVersion,
  platform: '',
  cores: 0,
  memoryBytes: 0,
  slots: 0,
  devices: [],
}

/** What the command line says in front of the settings: its switches can only turn things off. */
const givenBy = (options: AgentOptions): GivenSettings => ({
  ...(options.name === undefined ? {} : { name: options.name.slice(0, limits.memberNameLength) }),
  ...(options.slots === undefined ? {} : { slots: options.slots }),
  ...(options.mdns ? {} : { mdns: false }),
  ...(options.inPlace ? {} : { inPlace: false }),
  ...(options.scripts === false ? { scripts: false } : {}),
})

/** Name and abilities of this machine, as its owner set them. */
const describeMachine = (
  { name, slots, tags }: Pick<Settings, 'name' | 'slots' | 'tags'>,
  { host, runtime }: Adapters,
): Capabilities => {
  const facts = host.facts()
  return {
    ...facts,
    name: (name === '' ? facts.name : name).slice(0, limits.memberNameLength),
    agentVersion,
    slots: slotsOf({ slots }, facts.cores),
    devices: [...runtime.devices()],
    ...(tags === '' ? {} : { tags: tagsOf({ tags }) }),
  }
}

const slotsOf = ({ slots }: Pick<Settings, 'slots'>, cores: number): number =>
  slots === 'auto' ? Math.max(1, cores - 1) : slots

const viewOf = (parts: Parts, webAddress: string, itemsStreamed: number): AgentView => ({
  peer: parts.adapters.keys.self,
  name: parts.facts().name,
  version: agentVersion,
  node: process.version,
  home: parts.options.home,
  pid: process.pid,
  startedAt: parts.startedAt,
  addresses: [...parts.adapters.transport.addresses()],
  webAddress,
  itemsStreamed,
})

const joinRoles = (
  parts: Parts,
  publish: (delta: DeltaView) => void,
  agentView: () => AgentView,
  failed: (error: MusterError) => void,
): Core => {
  const { adapters, membership, facts, settings } = parts
  const { cores } = adapters.host.facts()
  // Asked with every heartbeat: the machine is not described anew for it.
  const slots = (): number => slotsOf(settings.now(), cores)
  const { self } = adapters.keys
  const core = createCore({
    adapters,
    membership,
    settings,
    slots,
    threads: () => Math.max(1, Math.floor(cores / Math.max(1, slots()))),
    publish,
    failed,
    publishModel: (model) => publish({ kind: 'model-changed', model: modelToView(model) }),
    publishCluster: () => {
      publish({ kind: 'cluster-changed', cluster: clusterView(core, membership, self) })
      publish({ kind: 'agent-changed', agent: agentView() })
    },
  })
  core.book.describe(self, facts())
  settings.onChange((now, before) => {
    settingsChanged(core, facts(), { now, before })
    publish({ kind: 'agent-changed', agent: agentView() })
  })
  return core
}

const joinTrying = ({ adapters }: Parts, core: Core) =>
  createTryJob({
    ...adapters,
    ...core.runLife.registry,
    ...createJobFolders(core),
    self: adapters.keys.self,
    beside,
    baseName,
    threads: core.threads,
  })

const joinStoreWork = ({ adapters }: Parts) =>
  createStoreWork({
    ...adapters,
    now: adapters.clock.now,
    records: () => adapters.ledger.vector().reduce((sum, { sequence }) => sum + sequence + 1, 0),
  })

/** How the agent ends: asked to, by a signal, or because it cannot go on. Whatever comes first, once. */
const createEnding = ({ adapters }: Parts) => {
  const ended = Promise.withResolvers<void>()
  // The CLI waits only once the agent is ready; until then a rejection has no reader and is no defect.
  ended.promise.catch(() => undefined)
  let held: { readonly stack: AsyncDisposableStack; readonly core: Core } | undefined
  let stopping: Promise<void> | undefined

  const close = async (): Promise<void> => {
    held?.core.worker.drain()
    await held?.stack.disposeAsync()
    ended.resolve()
  }
  const stop = (): Promise<void> => (stopping ??= close())

  return {
    fail: (error: MusterError): void => {
      adapters.log.error('the agent stops', { error })
      ended.reject(new MusterFailure(error))
      void stop()
    },
    /** After the answer to the one who asked is on its way. */
    stopSoon: (): void => void adapters.clock.after(limits.reportMs, () => void stop()),
    own: (stack: AsyncDisposableStack, core: Core, webAddress: string): RunningAgent => {
      held = { stack, core }
      return {
        webAddress,
        peer: adapters.keys.self,
        stopped: ended.promise,
        [Symbol.asyncDispose]: stop,
      }
    },
  }
}
