import type {
  GivenValues,
  JobFile,
  JobFileReader,
  ParsedFile,
  RunFile,
} from '#agent/ports/job-file.ts'
import type { MusterError } from '#protocol/errors.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { isAzureFile } from '#protocol/spec/azure/translate.ts'
import { readDialect } from './azure-file.ts'
import type { DialectText } from './azure-file.ts'
import { readJobFields } from './job-fields.ts'
import { applyOverrides } from './job-file-overrides.ts'
import { readJobFileText } from './job-file-text.ts'
import { readRunFile } from './run-file.ts'

/** Reads job files: YAML, overrides, schema, then the rules that tie fields together. */
export const createJobFileReader = (): JobFileReader => ({
  read: (text, file, overrides, known) =>
    read(text, file, { parameters: {}, overrides, ...(known === undefined ? {} : { known }) }),
  readRun: (text, file, given) => readRun(text, file, given),
  parse: (text, file) => parse(text, file),
})

const read = (text: string, file: string, given: GivenValues): Result<JobFile, MusterError> => {
  const dialect = readText(text, file, given)
  if (!dialect.ok) return dialect
  const { text: ownText, overrides: left, warnings } = dialect.value
  const overridden = applyOverrides(ownText.value, left)
  if (!overridden.ok) return overridden
  const origin = { text: ownText, overridden: overridden.value }
  const jobFile = readJobFields(overridden.value.value, file, origin)
  if (!jobFile.ok) return jobFile
  return ok({ ...jobFile.value, warnings: [...warnings, ...jobFile.value.warnings] })
}

const readRun = (text: string, file: string, given: GivenValues): Result<RunFile, MusterError> => {
  const dialect = readText(text, file, given)
  if (!dialect.ok) return dialect
  const { text: ownText, overrides, warnings, whole } = dialect.value
  const run = readRunFile(ownText, file, { ...given, overrides })
  if (!run.ok) return run
  const ofSteps = run.value.steps.flatMap(({ job }) => job.warnings)
  return ok({
    ...run.value,
    ...(whole === undefined ? {} : { whole }),
    warnings: [...warnings, ...ofSteps],
  })
}

const parse = (text: string, file: string): Result<ParsedFile, MusterError> => {
  const parsed = readJobFileText(text, file)
  if (!parsed.ok) return parsed
  const fields = parsed.value.value
  const kind = isAzureFile(fields) ? 'azure' : Object.hasOwn(fields, 'steps') ? 'pipeline' : 'job'
  return ok({ kind, fields })
}

const readText = (
  text: string,
  file: string,
  { overrides, known, isAgain = false }: GivenValues,
): Result<DialectText, MusterError> => {
  const parsed = readJobFileText(text, file)
  if (!parsed.ok) return parsed
  const dialect = readDialect(parsed.value, { file, overrides, pools: known?.pools, isAgain })
  if (!dialect.ok || known === undefined) return dialect
  return ok({ ...dialect.value, text: { ...dialect.value.text, known } })
}
