import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import type { JobFile, KnownData, WantedModel } from '#agent/ports/data.ts'
import { limits } from '#protocol/limits.ts'
import type { JobInput, Postprocess, Preprocess } from '#protocol/model/job.ts'
import { err, ok } from '#protocol/model/result.ts'
import { allowedModel } from '#protocol/spec/job-file.ts'
import type { JobFileFields } from '#protocol/spec/job-file.ts'
import { wrongValue } from './job-file-errors.ts'
import { fault } from './job-file-part.ts'
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
    data: (fields) => dataOf(fields, { resolvePath, known }),
    model: (fields) => modelOf(fields, resolvePath),
    preprocess: preprocessOf,
    postprocess: (fields) => postprocessOf(fields, resolvePath),
    output: (fields) => outputOf(fields, resolvePath),
    script: (fields) => scriptOf(fields, resolvePath),
  }
}

const missing = (field: string, allowed: string): Part<never> =>
  err({ rank: 2, path: [field], message: `"${field}" is missing: it must be ${allowed}` })

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

const modelOf = (
  fields: JobFileFields,
  resolvePath: ResolvePath,
): Part<WantedModel | undefined> => {
  const { model } = fields
  if (model === undefined)
    return fields.entry_script === undefined ? missing('model', allowedModel) : ok(undefined)
  if (typeof model !== 'string') {
    if (!('path' in model)) return ok(registered(model.name, model.version))
    const path = resolvePath(model.path, ['model', 'path'])
    return path.ok ? ok({ kind: 'path', path: path.value }) : path
  }
  if (/[\\/]|\.onnx$/i.test(model)) {
    const path = resolvePath(model, ['model'])
    return path.ok ? ok({ kind: 'path', path: path.value }) : path
  }
  // Azure writes azureml:NAME:VERSION and NAME@latest.
  const [, name, version] = /^(?:azureml:)?([^:@]+)(?::([1-9]\d{0,8})|@latest)?$/.exec(model) ?? []
  if (name === undefined || name.length > limits.memberNameLength)
    return err(wrongValue(['model'], model, allowedModel))
  return ok(registered(name, version === undefined ? undefined : Number(version)))
}

const registered = (name: string, version: number | undefined): WantedModel => ({
  kind: 'registered',
  name,
  ...(version === undefined ? {} : { version }),
})
