import { createBlobExchange } from '#agent/effects/blob-exchange.ts'
import { createInputExchange } from '#agent/effects/input-exchange.ts'
import { createKeeper } from '#agent/effects/keeper.ts'
import { ledgerStory } from '#agent/effects/ledger-story.ts'
import { createLedgerSync } from '#agent/effects/ledger-sync.ts'
import { createLiveJobs } from '#agent/effects/live-jobs.ts'
import { createMachineBook } from '#agent/effects/machine-views.ts'
import { createPlanning } from '#agent/effects/planning.ts'
import { jobState } from '#agent/job/job-state.ts'
import { createProgress } from '#agent/job/progress.ts'
import { jobVerdict } from '#agent/job/verdict.ts'
import type { MembershipState } from '#agent/membership/state.ts'
import type { RecordsAdded } from '#agent/ports/ledger.ts'
import type { DeltaView, MachineView } from '#protocol/control/views.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { ClusterId, JobId, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { Member } from '#protocol/model/member.ts'
import type { Segment, VerifiedRecord } from '#protocol/model/record.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { Term } from '#protocol/model/term.ts'
import type { Heartbeat } from '#protocol/wire/presence/protocol.ts'
import type { Adapters } from './adapters.ts'
import { createHeadRole } from './head-role.ts'
import { createLeaseLink } from './lease-link.ts'
import { createMemberRole, membershipKinds } from './member-role.ts'
import { createWorkerRole } from './worker-role.ts'

/**
 * Joins the machines of one agent: what is recorded, heard or lost is told to every role that must know.
 * Nothing here decides; it only carries.
 */
export type Core = ReturnType<typeof createCore>

export interface CoreOptions {
  readonly adapters: Adapters
  readonly membership: MembershipState
  readonly slots: number
  readonly threads: number
  readonly publish: (delta: DeltaView) => void
  /** The agent cannot go on, for example because its disk is full. */
  readonly failed: (error: MusterError) => void
  readonly publishCluster: () => void
}

export const createCore = (options: CoreOptions) => {
  const { adapters, membership } = options
  const { clock, ledger, views, transport, blobs, log, keys } = adapters
  const { self } = keys
  const book = createMachineBook()
  const exchange = createBlobExchange({ blobs, transport, clock })
  const link = createLeaseLink(transport)
  const inputs = createInputExchange({
    transport,
    plan: adapters.planReader,
    items: adapters.items,
    jobById: async (job) => (await views.job(job))?.job,
  })
  const sync = createLedgerSync({
    ledger,
    transport,
    clock,
    log: log.child('ledger-sync'),
    mayWrite: (segment) => mayWrite(membership, ledger.cluster(), segment),
  })

  const nameOf = (peer: PeerId): string =>
    book.capabilitiesOf(peer)?.name ??
    member.members().find((one) => one.peer === peer)?.name ??
    peer.slice(-8)

  const heartbeat = (): Heartbeat => ({
    kind: 'heartbeat',
    term: member.head(),
    sentAt: Math.floor(clock.now()),
    busySlots: worker.busy(),
    slots: mySlots(),
    load: adapters.host.load(),
    reason: mySlots() > 0 ? '' : 'This machine may not run jobs: it lacks the role "work".',
    digest: head.digests(),
  })

  const mySlots = (): number => (member.rolesOf(self).includes('work') ? options.slots : 0)

  const machineView = (one: Member): MachineView =>
    book.view(one, {
      liveness: member.liveness(one.peer),
      isHead: member.head()?.head === one.peer,
      addresses: one.peer === self ? transport.addresses() : member.addressesOf(one.peer),
    })

  const publishMachine = (peer: PeerId): void => {
    const found = member.members().find((one) => one.peer === peer)
    if (found !== undefined)
      options.publish({ kind: 'machine-changed', machine: machineView(found) })
  }

  /** Follows the head: greets it when it can be reached, waits when it cannot. */
  const followHead = (term: Term | null): void => {
    if (term === null) return worker.headLost()
    const isReachable =
      term.head === self ? head.term() !== undefined : transport.connected().includes(term.head)
    if (isReachable) worker.headFound(term)
    else worker.headLost()
  }

  const member = createMemberRole({
    self,
    clock,
    log: log.child('membership'),
    transport,
    ledger,
    sync: () => sync,
    book,
    state: membership,
    heartbeat,
    alive: (peer) => {
      head.peerAlive(peer)
      keeper.peerSeen()
      publishMachine(peer)
    },
    suspected: (peer) => {
      head.peerSuspected(peer)
      publishMachine(peer)
    },
    lost: (peer) => {
      head.peerLost(peer)
      publishMachine(peer)
    },
    headChanged: (term) => {
      if (term !== null && term.head !== self && head.term() !== undefined) head.lostTo(term)
      followHead(term)
      options.publishCluster()
    },
    membersChanged: () => {
      worker.slotsChanged(mySlots(), '')
      rememberAddresses()
      options.publishCluster()
      for (const one of member.members()) publishMachine(one.peer)
    },
    heard: (peer, beat) => {
      if (beat.digest.length > 0 || peer === member.head()?.head) live.digested(beat.digest)
      publishMachine(peer)
    },
    connected: (peer) => {
      if (peer === member.head()?.head) followHead(member.head())
      keeper.peerSeen()
    },
    disconnected: (peer) => {
      if (peer === member.head()?.head) worker.headLost()
    },
  })

  const head = createHeadRole({
    self,
    clock,
    ledger,
    views,
    link,
    rolesOf: member.rolesOf,
    headNow: member.head,
    alivePeers: () =>
      member
        .members()
        .map((one) => one.peer)
        .filter((peer) => ['self', 'alive'].includes(member.liveness(peer))),
    failed: options.failed,
  })

  const worker = createWorkerRole({
    self,
    clock,
    link,
    log: log.child('worker'),
    chunks: adapters.chunks,
    runtime: adapters.runtime,
    inputs,
    rolesOf: member.rolesOf,
    threads: () => options.threads,
    memoryBytes: () => adapters.host.facts().memoryBytes / 2 / Math.max(1, options.slots),
    modelPath: (job, signal) => modelPath(job, signal),
  })

  const modelPath = async (job: Job, signal: AbortSignal): Promise<Result<string, MusterError>> => {
    const holders = [job.submitter, job.keeper, ...transport.connected()]
    for (const file of job.spec.model.files) {
      const fetched = await exchange.fetch(file.blob, holders, signal)
      if (!fetched.ok) return fetched
    }
    return adapters.modelFolder.place(job.spec.model)
  }

  const keeper = createKeeper({
    self,
    clock,
    log: log.child('keeper'),
    ledger,
    views,
    blobs,
    chunks: adapters.chunks,
    exchange,
    writer: adapters.writer,
    outputFolder: adapters.outputFolder,
    verdict: jobVerdict,
    otherHolders: transport.connected,
  })

  const planning = createPlanning({
    self,
    clock,
    log: log.child('planning'),
    planner: adapters.planner,
    blobs,
    ledger,
    views,
  })

  const live = createLiveJobs({
    self,
    clock,
    views,
    nameOf,
    headKnown: () => {
      const term = member.head()
      return term !== null && ['self', 'alive'].includes(member.liveness(term.head))
    },
    waitsFor: keeper.waitsFor,
    publish: (job) => options.publish({ kind: 'job-changed', job }),
    rules: { jobState, createProgress },
  })

  const rememberAddresses = (): void => {
    const known = member.members().map((one) => [one.peer, member.addressesOf(one.peer)] as const)
    void views.setSetting('addresses', Object.fromEntries(known)).catch(() => undefined)
  }

  const recordAdded = (record: VerifiedRecord): void => {
    const { body, header } = record
    head.recordAdded(record)
    switch (body?.kind) {
      case 'job-submitted':
        if (header.origin !== body.job.submitter) return
        worker.jobAdded(body.job)
        planning.start(body.job)
        return live.touched(body.job.id)
      case 'plan-chunk-written':
      case 'plan-failed':
      case 'charged':
      case 'job-cancel-requested':
        return live.touched(body.job)
      case 'committed':
        keeper.jobTouched(body.job)
        return live.touched(body.job)
      case 'job-closed':
      case 'job-sealed':
        jobEnded(body.job)
        keeper.jobTouched(body.job)
        return live.touched(body.job)
      default:
        return undefined
    }
  }

  const jobEnded = (job: JobId): void => {
    worker.jobEnded(job)
    planning.stop(job)
  }

  const recordsAdded = (added: RecordsAdded): void => {
    const about = added.records.filter(
      ({ body }) => body !== undefined && membershipKinds.includes(body.kind),
    )
    if (about.length > 0) member.recordsAdded(about)
    for (const record of added.records) recordAdded(record)
  }
  const listening = ledger.onAdded(recordsAdded)

  /** Reads what was recorded before this start. */
  const restore = async (): Promise<void> => {
    const known: VerifiedRecord[] = []
    for await (const record of ledger.replay(membershipKinds)) known.push(record)
    if (known.length > 0) member.recordsAdded(known)
    const remembered = await views.setting('addresses')
    if (typeof remembered === 'object' && remembered !== null)
      for (const [peer, addresses] of Object.entries(remembered))
        if (peer !== self && Array.isArray(addresses))
          member.learnAddresses(peer as PeerId, addresses as string[])
    for (const fold of await views.openJobs()) {
      worker.jobAdded(fold.job)
      if (fold.closed === null && fold.cancelRequestedAt === null) planning.start(fold.job)
      keeper.jobTouched(fold.job.id)
    }
    worker.slotsChanged(mySlots(), '')
  }

  /** For now the creator of a cluster is its head, in a new term after every start. */
  const leadIfCreator = async (creator: PeerId): Promise<Result<void, MusterError>> => {
    if (creator !== self || head.term() !== undefined) return ok(undefined)
    const problem = await head.takeTerm(member.head()?.number ?? 0)
    if (problem !== undefined) return { ok: false, error: problem }
    followHead(member.head())
    return ok(undefined)
  }

  return {
    book,
    exchange,
    inputs,
    sync,
    member,
    head,
    worker,
    keeper,
    planning,
    live,
    nameOf,
    machineView,
    restore,
    leadIfCreator,
    clusterId: ledger.cluster,
    ledgerStory: (fold: JobFold, miniBatch: number | undefined) =>
      ledgerStory(views, fold, miniBatch, nameOf),
    [Symbol.asyncDispose]: async () => {
      listening[Symbol.dispose]()
      member[Symbol.dispose]()
      live[Symbol.dispose]()
      head[Symbol.dispose]()
      sync[Symbol.dispose]()
      await worker[Symbol.asyncDispose]()
      await planning[Symbol.asyncDispose]()
      await keeper[Symbol.asyncDispose]()
    },
  }
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
