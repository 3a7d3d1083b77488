import type { Clock } from '#agent/ports/clock.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Views } from '#agent/ports/views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { Role } from '#protocol/model/member.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

export interface JobPauseDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly ledger: Ledger
  readonly views: Views
  readonly rolesOf: (peer: PeerId) => readonly Role[]
}

/** Records that a job is paused or goes on; nothing if it is so already. */
export const pauseJob = async (
  deps: JobPauseDeps,
  id: JobId,
  paused: boolean,
): Promise<Result<void, MusterError>> => {
  const fold = await deps.views.job(id)
  if (fold === undefined) return err(musterError('JobUnknown', `There is no job ${id}.`))
  const { name } = fold.job.spec
  if (fold.sealed !== null || fold.closed !== null)
    return err(
      musterError(
        'JobEnded',
        `Job ${name} has ended already; \`muster job resubmit\` runs it anew.`,
      ),
    )
  if (fold.cancelRequestedAt !== null)
    return err(musterError('JobEnded', `Job ${name} is being canceled.`))
  if (fold.job.submitter !== deps.self && !deps.rolesOf(deps.self).includes('admin')) {
    const may = 'Only the submitter of a job or an admin may pause or resume it.'
    return err(musterError('RoleMissing', may))
  }
  if ((fold.pausedAt !== null) === paused) return ok(undefined)
  const clock = fold.pauseClock + 1
  const at = deps.clock.now()
  const added = await deps.ledger.append([
    { kind: 'job-pause-changed', job: id, paused, clock, at },
  ])
  return added.ok ? ok(undefined) : added
}
