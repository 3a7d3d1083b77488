import type { RunFile } from '#agent/ports/data.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { PipelineFold } from '#protocol/model/fold.ts'
import { asScheduleId } from '#protocol/model/ids.ts'
import type { Schedule } from '#protocol/model/pipeline.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { NewSchedule, RunsDeps } from './run-wishes.ts'

/** Orders about runs that need no file: cancel one, set or end a schedule. */

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

export const removeSchedule = async (
  deps: RunsDeps,
  { id, name, submitter }: Schedule,
): Promise<Result<void, MusterError>> => {
  if (submitter !== deps.self)
    return err(
      musterError(
        'RoleMissing',
        `The schedule of ${name} is run by ${deps.nameOf(submitter)}; remove it there.`,
      ),
    )
  const at = deps.clock.now()
  const added = await deps.ledger.append([{ kind: 'schedule-removed', schedule: id, at }])
  return added.ok ? ok(undefined) : added
}
