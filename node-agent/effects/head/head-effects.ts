import type { Clock } from '#agent/ports/clock.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { SchedulerEffect, Settlement } from '#agent/scheduler/effect.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { assertNever } from '#protocol/model/assert-never.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { CommitGroup, RecordBody } from '#protocol/model/record.ts'
import type { Term } from '#protocol/model/term.ts'
import type { ToWorkerMessage } from '#protocol/wire/lease/messages.ts'

/** Carries out what the head's machine wants: words to workers, records to the ledger. */
export interface HeadEffects {
  readonly run: (effect: SchedulerEffect) => void
}

export interface HeadEffectsDeps {
  readonly clock: Clock
  readonly ledger: Ledger
  /** The term this agent holds. @throws if it is not head: the machine then has nothing to say. */
  readonly term: () => Term
  /** To a worker, also the one in this agent. */
  readonly sendToWorker: (peer: PeerId, message: ToWorkerMessage) => void
  /** The ledger cannot be written: this agent cannot be head any longer. */
  readonly failed: (error: MusterError) => void
}

export const createHeadEffects = (deps: HeadEffectsDeps): HeadEffects => {
  const { clock, ledger, sendToWorker } = deps

  /** Workers hear of a commit only when it is durable, with the very segment that proves it. */
  const record = async (
    bodies: readonly RecordBody[],
    settlements: readonly Settlement[],
  ): Promise<void> => {
    const term = deps.term()
    const added = await ledger.append(bodies)
    if (!added.ok) return deps.failed(added.error)
    const segments = added.value.map((one) => one.segment)
    for (const { peer, tokens } of settlements)
      sendToWorker(peer, { kind: 'reports-settled', term, tokens, segments })
  }

  const background = (work: Promise<void>): void => {
    work.catch((thrown: unknown) => deps.failed(cannotRecord(thrown)))
  }

  const run = (effect: SchedulerEffect): void => {
    const term = deps.term()
    switch (effect.kind) {
      case 'welcomeWorker':
        return sendToWorker(effect.peer, { kind: 'head-welcome', term })
      case 'grantLeases':
        return sendToWorker(effect.peer, { kind: 'leases-granted', term, leases: effect.leases })
      case 'revokeLeases': {
        const { tokens, reason } = effect
        return sendToWorker(effect.peer, { kind: 'leases-revoked', term, tokens, reason })
      }
      case 'recordCommits': {
        const bodies = splitGroups(effect.groups).map((groups): RecordBody => {
          return { kind: 'committed', job: effect.job, term, groups, at: clock.now() }
        })
        return background(record(bodies, effect.settlements))
      }
      case 'recordCharges': {
        const { job, charges, halvings } = effect
        const at = clock.now()
        const bodies: RecordBody[] = [{ kind: 'charged', job, term, charges, at }]
        if (halvings.length > 0)
          bodies.push({ kind: 'mini-batches-halved', job, term, halvings, at })
        return background(record(bodies, effect.settlements))
      }
      case 'settleReports': {
        const { peer, tokens } = effect.settlement
        return sendToWorker(peer, { kind: 'reports-settled', term, tokens, segments: [] })
      }
      case 'closeJob': {
        const { job, outcome, reason } = effect
        return background(
          record([{ kind: 'job-closed', job, term, outcome, reason, at: clock.now() }], []),
        )
      }
      default:
        return assertNever(effect)
    }
  }

  return { run }
}

const cannotRecord = (thrown: unknown): MusterError =>
  musterError('Internal', 'The head could not record its decisions and stops.', {
    detail: thrownToText(thrown),
  })

/** Keeps each record within its bound; a group is never cut, since it names one chunk. */
const splitGroups = (groups: readonly CommitGroup[]): readonly (readonly CommitGroup[])[] => {
  const records: CommitGroup[][] = [[]]
  let commits = 0
  for (const group of groups) {
    if (commits > 0 && commits + group.miniBatches.length > limits.commitsPerRecord) {
      records.push([])
      commits = 0
    }
    records.at(-1)?.push(group)
    commits += group.miniBatches.length
  }
  return records
}
