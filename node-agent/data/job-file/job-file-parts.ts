import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import type { JobFile, KnownData, WantedModel, WantedNamedModel } from '#agent/ports/job-file.ts'
import type { JobInput } from '#protocol/model/input.ts'
import type { Postprocess, Preprocess } from '#protocol/model/processing.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { JobFileFields } from '#protocol/spec/job-file.ts'
import { wrongValue } from './job-file-errors.ts'
import { modelOf, modelsOf } from './job-file-models.ts'
import { fault, missing } from './job-file-part.ts'
import type { Part, ResolvePath } from './job-file-part.ts'
import { outputOf } from './job-file-output.ts'
import type { OutputPart } from './job-file-output.ts'
import { dataOf } from './job-file-inputs.ts'
import type { DataPart } from './job-file-inputs.ts'
import { postprocessOf, preprocessOf } from './job-file-processing.ts'
import { pythonAdvice } from './python-script.ts'
import { splitArguments } from '#protocol/spec/split-arguments.ts'

/** The parts of a spec that need more than a default: paths, lists, files beside the job file. */
export interface Parts {
  readonly data: (fields: JobFileFields) => Part<DataPart>
  /** Undefined where a script needs none. */
  readonly model: (fields: JobFileFields) => Part<WantedModel | undefined>
  /** Models that a script asks for by name; may be none. */
  readonly models: (fields: JobFileFields) => Part<readonly WantedNamedModel[]>
  readonly preprocess: (fields: JobFileFields, kind: JobInput['kind']) => Part<Preprocess>
  readonly postprocess: (fields: JobFileFields) => Part<readonly Postprocess[]>
  readonly output: (fields: JobFileFields) => Part<OutputPart>
  /** Undefined for a job without a script. */
  readonly script: (fields: JobFileFields) => Part<ScriptPart | undefined>
}

/** What a job file says about its script. */
export interface ScriptPart {
  readonly paths: NonNullable<JobFile['script']>
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** Relative paths start at `folder`, the job file's. */
export const createParts = (folder: string, known: KnownData | undefined): Parts => {
  const resolvePath: ResolvePath = (path, at) => {
    const whole = /^~[\\/]/.test(path) ? join(homedir(), path.slice(2)) : path
    if (isAbsolute(whole)) return ok(resolve(whole))
    if (isAbsolute(folder)) return ok(resolve(folder, whole))
    return fault(at, `"${path}" is a relative path, but the job file's own folder is not known`)
  }
  return {
    data: (fields) =>
      dataOf(fields, {
        resolvePath,
        known,
        isScript: fields.entry_script !== undefined,
        inPlace: fields.in_place ?? true,
      }),
    model: (fields) => modelOf(fields, resolvePath),
    models: (fields) => modelsOf(fields, resolvePath),
    preprocess: preprocessOf,
    postprocess: (fields) => postprocessOf(fields, resolvePath),
    output: (fields) => outputOf(fields, resolvePath),
    script: (fields) => scriptOf(fields, resolvePath),
  }
}

const scriptOf = (
  fields: JobFileFields,
  resolvePath: ResolvePath,
): Part<ScriptPart | undefined> => {
  const { entry_script: entry, source_directory: folder } = fields
  if (entry === undefined) return withoutScript(fields)
  if (fields.runtime === 'onnx')
    return fault(['runtime'], '"runtime" is "onnx", but "entry_script" needs "node"')
  for (const field of ['preprocess', 'postprocess'] as const)
    if (fields[field] !== undefined)
      return fault(
        [field],
        `"${field}" cannot stand beside "entry_script": the script itself decodes items and makes rows`,
      )
  const path = resolvePath(entry, ['entry_script'])
  if (!path.ok) return path
  if (/\.py$/i.test(entry))
    return err({ rank: 1, path: ['entry_script'], ...pythonAdvice(path.value) })
  if (!/\.[cm]?[jt]s$/i.test(entry))
    return err(wrongValue(['entry_script'], entry, 'the path of a .ts or .js file'))
  const source = folder === undefined ? undefined : resolvePath(folder, ['source_directory'])
  if (source?.ok === false) return source
  const given = fields.arguments ?? []
  const words = typeof given === 'string' ? splitArguments(given) : given
  if (words === undefined)
    return fault(['arguments'], '"arguments" has a quotation mark that is not closed')
  return ok({
    paths: {
      entry: path.value,
      ...(source === undefined ? {} : { sourceDirectory: source.value }),
    },
    arguments: words,
    environment: fields.environment_variables ?? {},
  })
}

const withoutScript = (fields: JobFileFields): Part<undefined> => {
  if (fields.runtime === 'node') return missing('entry_script', 'the path of a .ts or .js file')
  for (const field of ['source_directory', 'arguments', 'environment_variables'] as const)
    if (fields[field] !== undefined)
      return fault([field], `"${field}" is for scripts, but there is no "entry_script"`)
  return ok(undefined)
}
