import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import type { WantedSchedule } from '#agent/ports/job-file.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { PipelineFileFields } from '#protocol/spec/pipeline-file.ts'
import type { Fault } from './job-file-errors.ts'

/** Seconds of quiet before a changed folder starts a run, unless a file says otherwise. */
const quietSeconds = 10

/** The schedule of a file; a relative folder starts at the file's own. */
export const scheduleOf = (
  schedule: PipelineFileFields['schedule'],
  folder: string,
): Result<WantedSchedule | undefined, Fault> => {
  if (schedule === undefined) return ok(undefined)
  const overlap = schedule.overlap ?? false
  if ('cron' in schedule)
    return ok({
      trigger: {
        kind: 'cron',
        expression: schedule.cron,
        ...(schedule.timezone === undefined ? {} : { timezone: schedule.timezone }),
      },
      overlap,
    })
  const { watch } = schedule
  const whole = /^~[\\/]/.test(watch) ? join(homedir(), watch.slice(2)) : watch
  if (!isAbsolute(whole) && !isAbsolute(folder))
    return err({
      rank: 1,
      path: ['schedule', 'watch'],
      message: `"schedule.watch" is the relative path "${watch}", but the file's own folder is not known`,
    })
  return ok({
    trigger: {
      kind: 'folder',
      path: resolve(folder, whole),
      patterns: [schedule.pattern ?? '**/*'],
      quietMs: (schedule.quiet ?? quietSeconds) * 1_000,
    },
    overlap,
  })
}
