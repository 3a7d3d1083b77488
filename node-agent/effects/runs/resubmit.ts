import type { JobFileReader, RunFile } from '#agent/ports/job-file.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { Job, JobSpec } from '#protocol/model/job.ts'
import type { PipelineSource, PipelineStep } from '#protocol/model/pipeline.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { specToFile } from '#protocol/spec/spec-to-file.ts'
import type { FileFields } from '#protocol/spec/spec-to-file.ts'

/** Fields to change, by dotted names; null takes a field back to its default. */
export type Changes = Readonly<Record<string, string | number | boolean | null>>

/** What a job was submitted with besides its spec. */
export interface Besides {
  readonly experiment: string | undefined
  readonly allowReuse: boolean
}

/** A file read again, and what it was read from. */
export interface ReadAgain {
  readonly file: RunFile
  readonly source: PipelineSource
}

/**
 * A job file made of a recorded spec and checked like one a person wrote. Only the name of a script is
 * read again: its bundle is the recorded one.
 */
export const readAgain = (
  jobFiles: JobFileReader,
  spec: JobSpec,
  besides: Besides,
  changes: Changes,
): Result<ReadAgain, MusterError> => {
  const scripts = Object.keys(changes).filter((name) => scriptFields.has(name))
  if (scripts[0] !== undefined) return err(scriptStays(scripts[0]))
  let fields = fileOf(spec, besides)
  const overrides: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) fields = without(fields, name.split('.'))
    else overrides[name] = value
  }
  const source = { text: JSON.stringify(fields), file: `job ${spec.name}`, overrides }
  const read = jobFiles.readRun(source.text, source.file, { parameters: {}, overrides })
  return read.ok ? ok({ file: read.value, source }) : err(asChange(read.error))
}

const fileOf = (spec: JobSpec, { experiment, allowReuse }: Besides): FileFields => ({
  ...withWholeScript(specToFile(spec)),
  ...(experiment === undefined ? {} : { experiment }),
  ...(allowReuse ? {} : { allow_reuse: false }),
})

/** Why a job cannot be submitted anew from here; undefined if it can. */
export const resubmitElsewhere = (
  { spec, dataPeer }: Job,
  self: string,
  nameOf: (peer: Job['dataPeer']) => string,
): MusterError | undefined =>
  dataPeer === self
    ? undefined
    : musterError(
        'InputMissing',
        `The files of ${spec.name} are on ${nameOf(dataPeer)}, so only that machine can submit it anew; open its window, or run this command there.`,
      )

const scriptFields = new Set(['entry_script', 'source_directory', 'runtime'])

const scriptStays = (name: string): MusterError =>
  musterError(
    'JobFileInvalid',
    `"${name}" cannot be changed when a job is submitted anew; submit a job file instead.`,
  )

/** The reader wants a whole path, and never opens it. */
const withWholeScript = (fields: FileFields): FileFields => {
  const entry = fields['entry_script']
  return typeof entry === 'string' && !entry.startsWith('/')
    ? { ...fields, entry_script: `/${entry}` }
    : fields
}

const without = (fields: FileFields, [name = '', ...rest]: readonly string[]): FileFields => {
  if (!Object.hasOwn(fields, name)) return fields
  const { [name]: dropped, ...others } = fields
  if (rest.length === 0) return others
  const isMap = typeof dropped === 'object' && dropped !== null && !Array.isArray(dropped)
  return isMap ? { ...others, [name]: without(dropped as FileFields, rest) } : fields
}

/** Nobody wrote this file: a place in it means nothing, and there may have been no command line. */
const asChange = ({ code, message, retryable, detail }: MusterError): MusterError =>
  musterError(
    code,
    message.replace(' (set on the command line)', '').replace(', given on the command line,', ''),
    { retryable, ...(detail === undefined ? {} : { detail }) },
  )

/** A spec as a run of one step, with the file that would give it again. */
export const asOneStep = (
  spec: JobSpec,
  besides: Besides,
): {
  readonly file: Omit<RunFile, 'steps' | 'warnings' | 'schedule'>
  readonly steps: readonly PipelineStep[]
  readonly source: PipelineSource
} => {
  const { name, description, tags } = spec
  return {
    file: {
      name,
      experiment: besides.experiment ?? name,
      description,
      tags,
      parameters: {},
      continueOnStepFailure: false,
      regenerateOutputs: false,
    },
    steps: [{ name, spec, wires: [], after: [], output: 'output', allowReuse: besides.allowReuse }],
    source: {
      text: JSON.stringify(fileOf(spec, besides)),
      file: `job ${name}`,
      overrides: {},
    },
  }
}
