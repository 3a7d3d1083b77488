import type { JobFileReader, KnownData, RunFile } from '#agent/ports/job-file.ts'
import type { Timetable } from '#agent/ports/schedule.ts'
import type { CheckedView } from '#protocol/control/registry-views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { ParameterValue } from '#protocol/model/pipeline.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { checkPool } from './pool-check.ts'

/** Reads a file as a submission would, and says what is wrong with it. */
export type CheckFile = (wish: CheckWish) => Promise<Result<CheckedView, MusterError>>

export interface CheckWish {
  readonly text: string
  readonly file: string
  readonly parameters: Readonly<Record<string, ParameterValue>>
  readonly overrides: Readonly<Record<string, ParameterValue>>
}

export interface CheckFileDeps {
  readonly jobFiles: JobFileReader
  readonly known: () => Promise<KnownData>
  readonly timetable: Pick<Timetable, 'problem'>
}

export const createCheckFile =
  ({ jobFiles, known, timetable }: CheckFileDeps): CheckFile =>
  async ({ text, file, parameters, overrides }) => {
    const parsed = jobFiles.parse(text, file)
    if (!parsed.ok) return parsed
    const there = await known()
    const read = jobFiles.readRun(text, file, { parameters, overrides, known: there })
    const { kind, fields } = parsed.value
    const judged = read.ok ? asSubmitted(read.value, there.pools, timetable) : read
    if (!judged.ok) {
      const { code, message, retryable, position } = judged.error
      const problem = { code, message, retryable, ...(position === undefined ? {} : { position }) }
      return ok({ kind, fields: { ...fields }, steps: [], warnings: [], problem })
    }
    const { steps, warnings } = judged.value
    return ok({
      kind,
      fields: { ...fields },
      steps: steps.map(({ name }) => name),
      warnings: [...warnings],
      problem: null,
    })
  }

/** What only a submission knows to be wrong: pools that are not there, times that never come. */
const asSubmitted = (
  run: RunFile,
  pools: readonly string[],
  timetable: CheckFileDeps['timetable'],
): Result<RunFile, MusterError> => {
  for (const { job } of run.steps) {
    const pool = checkPool(pools, job.spec.pool)
    if (!pool.ok) return pool
  }
  const trigger = run.schedule?.trigger
  const problem =
    trigger?.kind === 'cron' ? timetable.problem(trigger.expression, trigger.timezone) : undefined
  return problem === undefined ? ok(run) : err(musterError('JobFileInvalid', problem))
}
