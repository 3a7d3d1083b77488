import type { RecordsAdded } from '#agent/ports/ledger.ts'
import { thrownToText } from '#protocol/errors.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { VerifiedRecord } from '#protocol/model/segment.ts'
import { publishMachine, slotsNow } from './core-parts.ts'
import type { CoreParts } from './core-parts.ts'
import { membershipKinds } from './member-role.ts'

/** Carries what was recorded, now or before this start, to the roles that must know. */
export const recordsAdded = (core: CoreParts, added: RecordsAdded): void => {
  const about = added.records.filter(
    ({ body }) => body !== undefined && membershipKinds.includes(body.kind),
  )
  if (about.length > 0) core.member.recordsAdded(about)
  for (const record of added.records) recordAdded(core, record)
  if (added.records.some(({ body }) => body !== undefined && mayForget.has(body.kind)))
    core.forgetter.look()
}

/** A forgetting, or what says that its author may want it. */
const mayForget: ReadonlySet<string> = new Set([
  'job-forgotten',
  'job-submitted',
  'member-added',
  'roles-changed',
])

const recordAdded = (core: CoreParts, record: VerifiedRecord): void => {
  const { body, header } = record
  core.head.recordAdded(record)
  switch (body?.kind) {
    case 'job-submitted':
      if (header.origin !== body.job.submitter) return
      core.worker.jobAdded(body.job)
      core.planning.start(body.job)
      return core.live.touched(body.job.id)
    case 'plan-chunk-written':
    case 'plan-failed':
    case 'charged':
    case 'mini-batches-halved':
    case 'job-pause-changed':
    case 'job-cancel-requested':
      return core.live.touched(body.job)
    case 'committed':
      core.keeper.jobTouched(body.job)
      return core.live.touched(body.job)
    case 'job-closed':
    case 'job-sealed':
      jobEnded(core, body.job)
      core.keeper.jobTouched(body.job)
      core.runLife.engine.jobSealed(body.job)
      return core.live.touched(body.job)
    case 'job-forgotten':
      jobEnded(core, body.job)
      return core.live.touched(body.job)
    case 'pipeline-submitted':
      return core.runLife.engine.touched(body.run.id)
    case 'pipeline-step-skipped':
    case 'pipeline-cancel-requested':
    case 'pipeline-pause-changed':
      return core.runLife.engine.touched(body.pipeline)
    case 'schedule-set':
    case 'schedule-removed':
    case 'schedule-pause-changed':
      return core.runLife.schedules.changed()
    case 'pool-set':
    case 'pool-removed':
      return core.head.poolsChanged()
    case 'model-registered':
      return publishModel(core, body.model.name)
    default:
      return undefined
  }
}

const jobEnded = (core: CoreParts, job: JobId): void => {
  core.worker.jobEnded(job)
  core.planning.stop(job)
  core.inputs.jobEnded(job)
  core.wholeInputs.ended(job).catch(tellLeft(core))
}

/** What it downloaded goes at the next start. */
const tellLeft =
  ({ adapters }: CoreParts) =>
  (thrown: unknown): void =>
    adapters.log.warn('downloads of a job could not be deleted', { detail: thrownToText(thrown) })

const publishModel = (core: CoreParts, name: string): void => {
  core.adapters.views
    .model(name)
    .then((model) => model !== undefined && core.publishModel(model))
    .catch(() => undefined)
}

/** Members, roles or addresses changed. */
export const announceMembers = (core: CoreParts): void => {
  core.worker.slotsChanged(slotsNow(core), '')
  const known = core.member
    .members()
    .map((one) => [one.peer, core.member.addressesOf(one.peer)] as const)
  // Remembered addresses only save time at the next start.
  core.adapters.views.setSetting('addresses', Object.fromEntries(known)).catch(() => undefined)
  core.publishCluster()
  for (const one of core.member.members()) publishMachine(core, one.peer)
}

/** Tells the roles what stood in the ledger when this agent started. */
export const restoreRoles = async (core: CoreParts): Promise<void> => {
  const { ledger, views, keys } = core.adapters
  // Before the members are known: knowing them remembers their addresses anew.
  const remembered = await views.setting('addresses')
  const known: VerifiedRecord[] = []
  for await (const record of ledger.replay(membershipKinds)) known.push(record)
  if (known.length > 0) core.member.recordsAdded(known)
  for (const [peer, addresses] of Object.entries(remembered ?? {}))
    if (peer !== keys.self && Array.isArray(addresses))
      core.member.learnAddresses(peer as PeerId, addresses as string[])
  const open = await views.openJobs()
  await core.wholeInputs.restore(open.map(({ job }) => job.id)).catch(tellLeft(core))
  for (const fold of open) {
    core.worker.jobAdded(fold.job)
    if (fold.closed === null && fold.cancelRequestedAt === null) core.planning.start(fold.job)
    core.keeper.jobTouched(fold.job.id)
  }
  await core.logs.catchUp()
  // Of a job that was sealed just before this agent was killed, or since, rows come now and the rest goes.
  const { packs, chunks } = core.adapters
  for (const job of new Set([...(await packs.jobs()), ...(await chunks.jobs())]))
    core.keeper.jobTouched(job)
  core.forgetter.look()
  core.worker.slotsChanged(slotsNow(core), '')
  await core.runLife.engine.restore()
}
