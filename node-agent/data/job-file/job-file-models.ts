import type { WantedModel, WantedNamedModel } from '#agent/ports/job-file.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'
import { allowedModel } from '#protocol/spec/job-file.ts'
import type { JobFileFields } from '#protocol/spec/job-file.ts'
import { wrongValue } from './job-file-errors.ts'
import { fault, missing } from './job-file-part.ts'
import type { Part, ResolvePath } from './job-file-part.ts'
import type { FieldPath } from './job-file-text.ts'

/** What a job file says about its models. */

type Written = NonNullable<JobFileFields['model']>

export const modelOf = (
  fields: JobFileFields,
  resolvePath: ResolvePath,
): Part<WantedModel | undefined> => {
  const { model, entry_script: entry } = fields
  if (model !== undefined) return readModel(model, ['model'], resolvePath)
  // What stands under "models" is told apart by itself.
  if (entry !== undefined || fields.models !== undefined) return ok(undefined)
  return missing('model', allowedModel)
}

export const modelsOf = (
  fields: JobFileFields,
  resolvePath: ResolvePath,
): Part<readonly WantedNamedModel[]> => {
  const { models } = fields
  if (models === undefined) return ok([])
  if (fields.entry_script === undefined)
    return fault(
      ['models'],
      '"models" are for scripts: a job without "entry_script" runs the one that "model" names',
    )
  const named: readonly (readonly [string | number, Written])[] = Array.isArray(models)
    ? [...models.entries()]
    : Object.entries(models)
  if (named.length === 0)
    return fault(['models'], '"models" is empty: name a model, or leave it out')
  if (named.length > limits.jobModels)
    return fault(['models'], `"models" has more than ${limits.jobModels} entries`)
  const found: WantedNamedModel[] = []
  for (const [key, written] of named) {
    const wanted = readModel(written, ['models', key], resolvePath)
    if (!wanted.ok) return wanted
    found.push({ ...(typeof key === 'string' ? { alias: key } : {}), wanted: wanted.value })
  }
  return ok(found)
}

/** @param at where it stands in the job file */
const readModel = (model: Written, at: FieldPath, resolvePath: ResolvePath): Part<WantedModel> => {
  if (typeof model !== 'string') {
    if (!('path' in model)) return ok(registered(model.name, model.version))
    const path = resolvePath(model.path, [...at, 'path'])
    return path.ok ? ok({ kind: 'path', path: path.value }) : path
  }
  if (/[\\/]|\.onnx$/i.test(model)) {
    const path = resolvePath(model, at)
    return path.ok ? ok({ kind: 'path', path: path.value }) : path
  }
  // Azure writes azureml:NAME:VERSION and NAME@latest.
  const [, name, version] = /^(?:azureml:)?([^:@]+)(?::([1-9]\d{0,8})|@latest)?$/.exec(model) ?? []
  if (name === undefined || name.length > limits.memberNameLength)
    return err(wrongValue(at, model, allowedModel))
  return ok(registered(name, version === undefined ? undefined : Number(version)))
}

const registered = (name: string, version: number | undefined): WantedModel => ({
  kind: 'registered',
  name,
  ...(version === undefined ? {} : { version }),
})
