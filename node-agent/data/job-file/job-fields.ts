import { dirname } from 'node:path'
import type { JobFile } from '#agent/ports/job-file.ts'
import { limits } from '#protocol/limits.ts'
import type { JobInput } from '#protocol/model/input.ts'
import type { JobSpecBase, NodeJobSpec, OnnxJobSpec } from '#protocol/model/job.ts'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { jobDefaults, jobFileSchema, spellings } from '#protocol/spec/job-file.ts'
import type { JobFileFields, Spellings } from '#protocol/spec/job-file.ts'
import { faultError, nameOf, schemaFaults } from './job-file-errors.ts'
import type { Fault, Origin } from './job-file-errors.ts'
import type { DataPart } from './job-file-inputs.ts'
import { createParts } from './job-file-parts.ts'
import type { Parts } from './job-file-parts.ts'
import type { FieldPath } from './job-file-text.ts'

/** The fields of one job as a spec: the schema, then the rules that tie fields together. */
export const readJobFields = (
  value: Readonly<Record<string, unknown>>,
  file: string,
  origin: Origin,
): Result<JobFile, MusterError> => {
  const checked = jobFileSchema.safeParse(value)
  if (!checked.success) return refuse(schemaFaults(checked.error, value), origin)
  return toJobFile(checked.data, file, origin)
}

/** The first of the faults as an error. */
export const refuse = (
  faults: readonly Fault[],
  origin: Origin,
): { readonly ok: false; readonly error: MusterError } => {
  const error = faultError(faults, origin)
  if (error === undefined) throw new Error('a job file was refused without a fault')
  return err(error)
}

const toJobFile = (
  fields: JobFileFields,
  file: string,
  origin: Origin,
): Result<JobFile, MusterError> => {
  const parts = createParts(dirname(file), origin.text.known)
  const settings = settingsOf(fields)
  const data = parts.data(fields)
  const model = parts.model(fields)
  const models = parts.models(fields)
  const output = parts.output(fields)
  const [first] = data.ok ? data.value.inputs : []
  const what = whatRuns(fields, first?.kind ?? 'files', parts)
  const faults = [...settings.faults, ...(what.ok ? [] : what.error)]
  for (const part of [data, model, models, output]) if (!part.ok) faults.push(part.error)
  if (faults.length > 0 || !(data.ok && model.ok && models.ok && output.ok && what.ok))
    return refuse(faults, origin)
  const { dataPeer, ...dataFields } = data.value
  const base: Omit<JobSpecBase, keyof DataPart> = {
    name: fields.name,
    description: fields.description ?? '',
    tags: fields.tags ?? {},
    errorThreshold: fields.error_threshold ?? jobDefaults.errorThreshold,
    ...settings.spec,
    ...limitsOf(fields),
    ...shareOf(fields),
    outputAction: fields.output_action ?? 'append_row',
    ...output.value,
    loggingLevel: fields.logging_level ?? 'INFO',
    device: hasModel(fields) ? (fields.device ?? 'auto') : 'auto',
    inPlace: fields.in_place ?? true,
    ...(fields.visibility === undefined ? {} : { visibility: fields.visibility }),
  }
  return ok({
    spec: { ...base, ...dataFields, ...what.value.spec },
    ...(dataPeer === undefined ? {} : { dataPeer }),
    ...(model.value === undefined ? {} : { model: model.value }),
    ...(models.value.length === 0 ? {} : { models: models.value }),
    ...(what.value.script === undefined ? {} : { script: what.value.script }),
    warnings: warningsOf(fields, origin),
  })
}

/** How a job stands beside others, and where it may run: only what was said. */
const shareOf = (
  fields: JobFileFields,
): Pick<JobSpecBase, 'allowedFailedPercent' | 'priority' | 'weight' | 'pool'> => ({
  ...(fields.allowed_failed_percent === undefined
    ? {}
    : { allowedFailedPercent: fields.allowed_failed_percent }),
  ...(fields.priority === undefined ? {} : { priority: fields.priority }),
  ...(fields.weight === undefined ? {} : { weight: fields.weight }),
  ...(fields.compute === undefined ? {} : { pool: fields.compute }),
})

/** Limits that jobs have only where they are asked for: seconds there, milliseconds here. */
const limitsOf = (
  fields: JobFileFields,
): Pick<JobSpecBase, 'loadLimitMs' | 'progressLimitMs' | 'firstPlanLimitMs'> => {
  const {
    task_overhead_timeout: load,
    progress_update_timeout: progress,
    first_task_creation_timeout: plan,
  } = fields
  return {
    ...(load === undefined ? {} : { loadLimitMs: load * 1000 }),
    ...(progress === undefined ? {} : { progressLimitMs: progress * 1000 }),
    ...(plan === undefined ? {} : { firstPlanLimitMs: plan * 1000 }),
  }
}

/** The half of a spec that differs: a script, or what is declared in its place. */
interface WhatRuns {
  readonly spec:
    | Pick<OnnxJobSpec, 'runtime' | 'preprocess' | 'postprocess'>
    | Pick<NodeJobSpec, 'runtime' | 'arguments' | 'environment'>
  readonly script?: NonNullable<JobFile['script']>
}

const whatRuns = (
  fields: JobFileFields,
  kind: JobInput['kind'],
  parts: Parts,
): Result<WhatRuns, readonly Fault[]> => {
  const script = parts.script(fields)
  if (!script.ok) return err([script.error])
  if (script.value !== undefined) {
    const { paths, arguments: words, environment } = script.value
    return ok({ spec: { runtime: 'node', arguments: words, environment }, script: paths })
  }
  const preprocess = parts.preprocess(fields, kind)
  const postprocess = parts.postprocess(fields)
  if (preprocess.ok && postprocess.ok)
    return ok({
      spec: { runtime: 'onnx', preprocess: preprocess.value, postprocess: postprocess.value },
    })
  return err([preprocess, postprocess].flatMap((part) => (part.ok ? [] : [part.error])))
}

type DoublyNamed =
  'miniBatchErrorThreshold' | 'runLimitMs' | 'maxAttempts' | 'processesPerPeer' | 'peerCount'

/** The settings that Azure names twice: whichever is given counts, and both must say the same. */
const settingsOf = (
  fields: JobFileFields,
): { readonly spec: Pick<JobSpecBase, DoublyNamed>; readonly faults: readonly Fault[] } => {
  const faults: Fault[] = []
  const [failed, timeout, tries, processes, peers] = spellings.map((both) => {
    const first = numberAt(fields, both.first)
    const second = numberAt(fields, both.second)
    const other = second === undefined ? undefined : both.toFirst(second)
    if (first !== undefined && other !== undefined && first !== other)
      faults.push(contradiction(both, first, second))
    return first ?? other
  })
  return {
    faults,
    spec: {
      miniBatchErrorThreshold: failed ?? jobDefaults.miniBatchErrorThreshold,
      runLimitMs: timeout === undefined ? limits.runLimitMs : timeout * 1000,
      maxAttempts: tries ?? limits.maxAttempts,
      ...(processes === undefined ? {} : { processesPerPeer: processes }),
      ...(peers === undefined ? {} : { peerCount: peers }),
    },
  }
}

const contradiction = (both: Spellings, first: number, second: number | undefined): Fault => {
  const meaning = both.toFirst(second ?? 0)
  const same = meaning === second ? '' : `, which means ${nameOf(both.first)} ${meaning}`
  return {
    rank: 1,
    path: both.second,
    message:
      `"${nameOf(both.second)}" is ${second}${same}, but "${nameOf(both.first)}" is ${first}: ` +
      'give only one of the two',
  }
}

const numberAt = (fields: JobFileFields, path: FieldPath): number | undefined => {
  let here: unknown = fields
  for (const name of path) {
    if (typeof here !== 'object' || here === null) return undefined
    here = (here as Readonly<Record<string | number, unknown>>)[name]
  }
  return typeof here === 'number' ? here : undefined
}

const hasModel = ({ model, models }: JobFileFields): boolean =>
  model !== undefined || models !== undefined

const warningsOf = (fields: JobFileFields, { text, overridden }: Origin): readonly string[] => {
  const warn = (path: FieldPath, words: string): string => {
    const { file, line, column } = text.keyAt(path)
    const place = overridden.isOverridden(path)
      ? 'on the command line'
      : `${file}:${line}:${column}`
    return `"${nameOf(path)}" (${place}) has no effect: ${words}.`
  }
  const warnings = [...idlePostprocess(fields, warn)]
  const { device } = fields
  if (device !== undefined && !['auto', 'cpu'].includes(device) && !hasModel(fields))
    warnings.push(warn(['device'], 'it is for models, and the script has none'))
  if (fields.partition_keys !== undefined && fields.mini_batch_size !== undefined)
    warnings.push(warn(['mini_batch_size'], 'each combination of partition_keys is one mini-batch'))
  if (fields.output_action === 'summary_only' && fields.append_row_file_name !== undefined)
    warnings.push(warn(['append_row_file_name'], 'the output action "summary_only" writes no rows'))
  return warnings
}

type Warn = (path: FieldPath, words: string) => string

/** Fields that mean something for one kind only. */
const onlyFor = { k: 'top-k', threshold: 'threshold', sigmoid: 'threshold', normalize: 'embedding' }

const idlePostprocess = ({ postprocess }: JobFileFields, warn: Warn): readonly string[] => {
  const list = Array.isArray(postprocess) ? postprocess : [postprocess]
  return list.flatMap((one, index) => {
    const at = Array.isArray(postprocess) ? ['postprocess', index] : ['postprocess']
    return Object.entries(onlyFor).flatMap(([field, kind]) =>
      one !== undefined && field in one && one.kind !== kind
        ? [warn([...at, field], `it is for the kind "${kind}"`)]
        : [],
    )
  })
}
