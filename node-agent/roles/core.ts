import { createBlobExchange } from '#agent/effects/keeper/blob-exchange.ts'
import { createDownloadLists } from '#agent/effects/inputs/download-lists.ts'
import { createForgetter } from '#agent/effects/keeper/forgetting.ts'
import { createInPlace } from '#agent/effects/inputs/in-place.ts'
import { createInputExchange } from '#agent/effects/inputs/input-exchange.ts'
import { createJobLogs } from '#agent/effects/keeper/job-logs.ts'
import { createKeeper } from '#agent/effects/keeper/keeper.ts'
import { ledgerStory } from '#agent/effects/control/ledger-story.ts'
import { createLedgerSync } from '#agent/effects/ledger-sync.ts'
import { createLiveJobs } from '#agent/effects/control/live-jobs.ts'
import { createMachineBook } from '#agent/effects/control/machine-views.ts'
import { createPlanning } from '#agent/effects/head/planning.ts'
import { createPools } from '#agent/effects/control/pools.ts'
import { createReachBook } from '#agent/effects/inputs/reach-book.ts'
import { createWarmProcesses } from '#agent/effects/worker/warm-processes.ts'
import { createWholeInputs } from '#agent/effects/inputs/whole-inputs.ts'
import { createTakeOver } from '#agent/effects/runs/take-over.ts'
import {
  firstOfItsKind,
  noDonorSentence,
  otherSentence,
  refusalSentence,
  takenSentence,
} from '#agent/job/reuse-reason.ts'
import { createReuseMatch } from '#agent/job/reuse-match.ts'
import { jobState } from '#agent/job/job-state.ts'
import { createProgress } from '#agent/job/progress.ts'
import { jobVerdict } from '#agent/job/verdict.ts'
import type { MembershipState } from '#agent/membership/state.ts'
import type { MachineView } from '#protocol/control/views.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { ClusterId, PeerId } from '#protocol/model/ids.ts'
import type { Member } from '#protocol/model/member.ts'
import type { Segment } from '#protocol/model/segment.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import {
  followHead,
  heartbeatNow,
  machineNow,
  nameOf,
  publishMachine,
  withNames,
} from './core-parts.ts'
import type { CoreOptions, CoreParts } from './core-parts.ts'
import { createJobFolders, joinMemory } from './job-folders.ts'
import { createHeadRole } from './head-role.ts'
import { createLeaseLink } from './lease-link.ts'
import { createMemberRole } from './member-role.ts'
import { announceMembers, recordsAdded, restoreRoles } from './records.ts'
import { createRunLife } from './run-life.ts'
import type { RunLifeDeps } from './run-life.ts'
import { createWorkerRole } from './worker-role.ts'

/**
 * Joins the machines of one agent: what is recorded, heard or lost is told to every role that must know.
 * Nothing here decides; it only carries.
 */
export interface Core extends CoreParts, AsyncDisposable {
  readonly nameOf: (peer: PeerId) => string
  /** A sentence with machines' names instead of PeerIds. */
  readonly withNames: (sentence: string) => string
  readonly machineView: (member: Member) => MachineView
  readonly clusterId: () => ClusterId | null
  /** A job's or mini-batch's life as the ledger tells it. */
  readonly ledgerStory: (fold: JobFold, miniBatch: number | undefined) => Promise<readonly string[]>
  /** Reads what was recorded before this start. */
  readonly restore: () => Promise<void>
  /** For now the creator of a cluster is its head, in a new term after every start. */
  readonly leadIfCreator: (creator: PeerId) => Promise<Result<void, MusterError>>
}

const reuseRules = {
  createReuseMatch,
  firstOfItsKind,
  noDonorSentence,
  otherSentence,
  refusalSentence,
  takenSentence,
}

export const createCore = (options: CoreOptions): Core => {
  const { ledger, views } = options.adapters
  const core = { ...options, ...joinExchanges(options) } as CoreParts
  core.member = joinMember(core)
  core.head = joinHead(core)
  core.memory = joinMemory(core)
  core.worker = joinWorker(core)
  core.logs = joinLogs(core)
  core.keeper = joinKeeper(core)
  core.forgetter = createForgetter({
    ...core.adapters,
    log: core.adapters.log.child('forgetting'),
  })
  core.planning = createPlanning({
    ...core.adapters,
    self: core.adapters.keys.self,
    log: core.adapters.log.child('planning'),
    takeOver: createTakeOver({
      ...core.adapters,
      self: core.adapters.keys.self,
      rules: reuseRules,
    }),
  })
  core.runLife = createRunLife(runLifeDeps(core))
  core.live = joinLive(core)
  core.pools = joinPools(core)
  const listening = ledger.onAdded((added) => recordsAdded(core, added))
  return Object.assign(core, {
    nameOf: (peer: PeerId) => nameOf(core, peer),
    withNames: (sentence: string) => withNames(core, sentence),
    machineView: (member: Member) => machineNow(core, member),
    clusterId: ledger.cluster,
    ledgerStory: (fold: JobFold, miniBatch: number | undefined) =>
      ledgerStory(views, fold, miniBatch, (peer) => nameOf(core, peer)),
    restore: async () => {
      await core.memory.load()
      await restoreRoles(core)
    },
    leadIfCreator: (creator: PeerId) => leadIfCreator(core, creator),
    [Symbol.asyncDispose]: async () => {
      listening[Symbol.dispose]()
      for (const part of [core.member, core.live, core.head, core.sync]) part[Symbol.dispose]()
      await core.runLife[Symbol.asyncDispose]()
      await core.worker[Symbol.asyncDispose]()
      await core.planning[Symbol.asyncDispose]()
      await core.keeper[Symbol.asyncDispose]()
      await core.forgetter[Symbol.asyncDispose]()
      await core.logs[Symbol.asyncDispose]()
    },
  })
}

const joinExchanges = ({ adapters, membership, settings }: CoreOptions) => {
  const { blobs, transport, clock, views, ledger, log } = adapters
  const inPlace = createInPlace({ ...adapters, rules: settings.now })
  const mayReadInPlace = (): boolean => settings.now().inPlace
  const wholeInputs = createWholeInputs({
    ...adapters,
    inPlace,
    mayReadInPlace,
    quota: () => settings.now().downloadsQuota,
  })
  return {
    wholeInputs,
    book: createMachineBook(),
    reach: createReachBook(),
    exchange: createBlobExchange({ blobs, transport, clock }),
    link: createLeaseLink(transport),
    inputs: createInputExchange({
      transport,
      plan: adapters.planReader,
      items: adapters.items,
      inPlace,
      downloadLists: createDownloadLists(adapters),
      directFolders: wholeInputs.directFolders,
      mayReadInPlace,
      jobById: async (job) => (await views.job(job))?.job,
    }),
    sync: createLedgerSync({
      ledger,
      transport,
      clock,
      log: log.child('ledger-sync'),
      mayWrite: (segment) => mayWrite(membership, ledger.cluster(), segment),
    }),
  }
}

const runLifeDeps = (core: CoreParts): RunLifeDeps => ({
  adapters: core.adapters,
  rolesOf: core.member.rolesOf,
  nameOf: (peer) => nameOf(core, peer),
  mappedShares: () => core.settings.now().shares,
})

const joinMember = (core: CoreParts) => {
  const { adapters } = core
  const { self } = adapters.keys
  return createMemberRole({
    ...adapters,
    self,
    log: adapters.log.child('membership'),
    sync: () => core.sync,
    book: core.book,
    reach: core.reach,
    state: core.membership,
    heartbeat: () => heartbeatNow(core),
    alive: (peer) => {
      core.head.peerAlive(peer)
      core.keeper.peerSeen()
      publishMachine(core, peer)
    },
    suspected: (peer) => {
      core.head.peerSuspected(peer)
      publishMachine(core, peer)
    },
    lost: (peer) => {
      core.head.peerLost(peer)
      publishMachine(core, peer)
    },
    headChanged: (term) => {
      if (term !== null && term.head !== self && core.head.term() !== undefined)
        core.head.lostTo(term)
      followHead(core, term)
      core.publishCluster()
    },
    membersChanged: () => {
      announceMembers(core)
      core.head.poolsChanged()
    },
    described: () => core.head.poolsChanged(),
    heard: (peer, beat) => {
      if (peer === core.member.head()?.head)
        core.live.digested(
          beat.digest.map((one) => ({ ...one, waits: withNames(core, one.waits) })),
        )
      publishMachine(core, peer)
    },
    connected: (peer) => {
      if (peer === core.member.head()?.head) followHead(core, core.member.head())
      core.keeper.peerSeen()
      core.logs.peerSeen(peer)
    },
    disconnected: (peer) => {
      if (peer === core.member.head()?.head) core.worker.headLost()
    },
  })
}

const joinHead = (core: CoreParts) => {
  const { member } = core
  return createHeadRole({
    ...core.adapters,
    self: core.adapters.keys.self,
    link: core.link,
    rolesOf: member.rolesOf,
    headNow: member.head,
    pools: () => core.pools.members(),
    alivePeers: () =>
      member
        .members()
        .map((one) => one.peer)
        .filter((peer) => ['self', 'alive'].includes(member.liveness(peer))),
    failed: core.failed,
  })
}

const joinWorker = (core: CoreParts) => {
  const { adapters } = core
  return createWorkerRole({
    ...adapters,
    self: adapters.keys.self,
    link: core.link,
    log: adapters.log.child('worker'),
    inputs: core.inputs,
    wholeInputs: core.wholeInputs,
    rolesOf: core.member.rolesOf,
    mayRunScripts: () => core.settings.now().scripts,
    threads: core.threads,
    warm: createWarmProcesses({
      clock: adapters.clock,
      slots: core.slots,
      freeBytes: adapters.host.freeBytes,
    }),
    memory: core.memory,
    ...createJobFolders(core),
  })
}

const joinLogs = (core: CoreParts) =>
  createJobLogs({
    ...core.adapters,
    self: core.adapters.keys.self,
    log: core.adapters.log.child('logs'),
    members: () => core.member.members().map(({ peer }) => peer),
    nameOf: (peer) => nameOf(core, peer),
    toView: (fold) => core.live.toView(fold),
  })

const joinKeeper = (core: CoreParts) =>
  createKeeper({
    ...core.adapters,
    self: core.adapters.keys.self,
    log: core.adapters.log.child('keeper'),
    exchange: core.exchange,
    policy: () => ({
      rows: core.settings.now().rows,
      quotaBytes: core.settings.now().rowsQuota,
    }),
    verdict: jobVerdict,
    nameOf: (peer) => nameOf(core, peer),
    ended: core.logs.ended,
    otherHolders: core.adapters.transport.connected,
  })

const joinLive = (core: CoreParts) =>
  createLiveJobs({
    ...core.adapters,
    self: core.adapters.keys.self,
    nameOf: (peer) => nameOf(core, peer),
    withNames: (sentence) => withNames(core, sentence),
    headKnown: () => {
      const term = core.member.head()
      return term !== null && ['self', 'alive'].includes(core.member.liveness(term.head))
    },
    waitsFor: core.keeper.waitsFor,
    outputProblem: (job) => {
      const problem = core.keeper.problemOf(job)
      return problem === '' ? core.planning.problemOf(job) : problem
    },
    publish: (job) => core.publish({ kind: 'job-changed', job }),
    rules: { jobState, createProgress },
  })

const joinPools = (core: CoreParts) =>
  createPools({
    ...core.adapters,
    self: core.adapters.keys.self,
    rolesOf: core.member.rolesOf,
    members: core.member.members,
    machineView: (member) => machineNow(core, member),
    capabilitiesOf: core.book.capabilitiesOf,
  })

const leadIfCreator = async (
  core: CoreParts,
  creator: PeerId,
): Promise<Result<void, MusterError>> => {
  const { head, member, adapters } = core
  if (creator !== adapters.keys.self || head.term() !== undefined) return ok(undefined)
  const problem = await head.takeTerm(member.head()?.number ?? 0)
  if (problem !== undefined) return { ok: false, error: problem }
  followHead(core, member.head())
  return ok(undefined)
}

/**
 * Segments of members and former members, and the one that holds the genesis record: whether that one is
 * true is proved by its hash, which is the cluster's id.
 */
const mayWrite = (
  { genesis, changes }: MembershipState,
  cluster: ClusterId | null,
  segment: Segment,
): boolean => {
  const [first] = segment.entries
  if (segment.first === 0 && first?.kind === 'cluster-created') return first.bodyHash === cluster
  return (
    segment.origin === genesis?.creator ||
    changes.some(({ body }) => body.kind === 'member-added' && body.peer === segment.origin)
  )
}
