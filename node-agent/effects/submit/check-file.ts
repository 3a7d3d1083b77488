import type { JobFileReader, KnownData } from '#agent/ports/job-file.ts'
import type { CheckedView } from '#protocol/control/registry-views.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { ParameterValue } from '#protocol/model/pipeline.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

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
}

export const createCheckFile =
  ({ jobFiles, known }: CheckFileDeps): CheckFile =>
  async ({ text, file, parameters, overrides }) => {
    const parsed = jobFiles.parse(text, file)
    if (!parsed.ok) return parsed
    const read = jobFiles.readRun(text, file, { parameters, overrides, known: await known() })
    const { kind, fields } = parsed.value
    if (!read.ok) {
      const { code, message, retryable, position } = read.error
      const problem = { code, message, retryable, ...(position === undefined ? {} : { position }) }
      return ok({ kind, fields: { ...fields }, steps: [], warnings: [], problem })
    }
    const { steps, warnings } = read.value
    return ok({
      kind,
      fields: { ...fields },
      steps: steps.map(({ name }) => name),
      warnings: [...warnings],
      problem: null,
    })
  }
