import type { RunFile } from '#agent/ports/job-file.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { PipelineFold, ScheduleFold } from '#protocol/model/fold.ts'
import { asScheduleId } from '#protocol/model/ids.ts'
import type { Schedule } from '#protocol/model/pipeline.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { isOpen } from './run-engine.ts'
import type { NewSchedule, RunsDeps } from './run-wishes.ts'

/** Orders about runs that need no file: cancel or pause one; set, pause or end a schedule. */

export const cancel = async (
  deps: RunsDeps,
  { run, ended, cancelRequestedAt }: PipelineFold,
): Promise<Result<void, MusterError>> => {
  if (ended !== null)
    return err(musterError('JobEnded', `The pipeline run ${run.name} has ended already.`))
  if (run.submitter !== deps.self && !deps.rolesOf(deps.self).includes('admin'))
    return err(
      musterError('RoleMissing', 'Only the submitter of a pipeline run or an admin may cancel it.'),
    )
  if (cancelRequestedAt !== null) return ok(undefined)
  const at = deps.clock.now()
  const added = await deps.ledger.append([
    { kind: 'pipeline-cancel-requested', pipeline: run.id, at },
  ])
  return added.ok ? ok(undefined) : added
}

/** Pauses a run with all of its jobs, or lets them go on; nothing if it is so already. */
export const pause = async (
  deps: RunsDeps,
  { run, ended, cancelRequestedAt, pausedAt, pauseClock, ...fold }: PipelineFold,
  paused: boolean,
): Promise<Result<void, MusterError>> => {
  if (ended !== null)
    return err(musterError('JobEnded', `The pipeline run ${run.name} has ended already.`))
  if (cancelRequestedAt !== null)
    return err(musterError('JobEnded', `The pipeline run ${run.name} is being canceled.`))
  if (run.submitter !== deps.self && !deps.rolesOf(deps.self).includes('admin')) {
    const may = 'Only the submitter of a pipeline run or an admin may pause or resume it.'
    return err(musterError('RoleMissing', may))
  }
  const at = deps.clock.now()
  const bodies: RecordBody[] = []
  if ((pausedAt !== null) !== paused)
    bodies.push({
      kind: 'pipeline-pause-changed',
      pipeline: run.id,
      paused,
      clock: pauseClock + 1,
      at,
    })
  for (const id of fold.jobs) {
    const job = await deps.views.job(id)
    if (job === undefined || !isOpen(job) || (job.pausedAt !== null) === paused) continue
    bodies.push({ kind: 'job-pause-changed', job: id, paused, clock: job.pauseClock + 1, at })
  }
  if (bodies.length === 0) return ok(undefined)
  const added = await deps.ledger.append(bodies)
  return added.ok ? ok(undefined) : added
}

export const schedule = async (
  deps: RunsDeps,
  file: RunFile,
  from: Pick<Schedule, 'source' | 'parameters'>,
): Promise<Result<NewSchedule, MusterError>> => {
  if (file.schedule === undefined) throw new Error('a file without a schedule was to be scheduled')
  const wanted: Schedule = {
    id: asScheduleId(deps.random.jobId()),
    name: file.name,
    ...file.schedule,
    ...from,
    submitter: deps.self,
    setAt: deps.clock.now(),
  }
  const problem = deps.scheduleProblem(wanted)
  if (problem !== undefined) return err(musterError('JobFileInvalid', problem))
  const added = await deps.ledger.append([{ kind: 'schedule-set', schedule: wanted }])
  return added.ok ? ok({ kind: 'schedule', schedule: wanted }) : added
}

/** Pauses a schedule or lets it go on; nothing if it is so already. */
export const pauseSchedule = async (
  deps: RunsDeps,
  { schedule: known, pausedAt, pauseClock }: ScheduleFold,
  paused: boolean,
): Promise<Result<void, MusterError>> => {
  const refusal = notHere(deps, known, paused ? 'pause' : 'resume')
  if (refusal !== undefined) return err(refusal)
  if ((pausedAt !== null) === paused) return ok(undefined)
  const [clock, at] = [pauseClock + 1, deps.clock.now()]
  const added = await deps.ledger.append([
    { kind: 'schedule-pause-changed', schedule: known.id, paused, clock, at },
  ])
  return added.ok ? ok(undefined) : added
}

const notHere = (
  deps: RunsDeps,
  { name, submitter }: Schedule,
  verb: string,
): MusterError | undefined =>
  submitter === deps.self
    ? undefined
    : musterError(
        'RoleMissing',
        `The schedule of ${name} is run by ${deps.nameOf(submitter)}; ${verb} it there.`,
      )

export const removeSchedule = async (
  deps: RunsDeps,
  known: Schedule,
): Promise<Result<void, MusterError>> => {
  const refusal = notHere(deps, known, 'remove')
  if (refusal !== undefined) return err(refusal)
  const { id } = known
  const at = deps.clock.now()
  const added = await deps.ledger.append([{ kind: 'schedule-removed', schedule: id, at }])
  return added.ok ? ok(undefined) : added
}
