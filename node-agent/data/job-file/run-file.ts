import { dirname } from 'node:path'
import { z } from 'zod'
import type { GivenValues, RunFile, StepFile } from '#agent/ports/job-file.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { jobFileSchema } from '#protocol/spec/job-file.ts'
import { pipelineFileSchema } from '#protocol/spec/pipeline-file.ts'
import { parametersField } from '#protocol/spec/run-fields.ts'
import { readJobFields, refuse } from './job-fields.ts'
import { schemaFaults } from './job-file-errors.ts'
import type { Fault, Origin } from './job-file-errors.ts'
import { applyOverrides } from './job-file-overrides.ts'
import type { FieldPath, ReadText } from './job-file-text.ts'
import { fillParameters, resolveParameters } from './parameters.ts'
import type { Parameters } from './parameters.ts'
import { checkWires, outputFieldsOf, readStep } from './run-steps.ts'
import { scheduleOf } from './run-schedule.ts'
import { splitOverrides, stepsOf } from './step-fields.ts'
import type { StepPlace } from './step-fields.ts'

type Fields = Readonly<Record<string, unknown>>

/** A run without what was noted before its fields were read. */
type ReadRun = Omit<RunFile, 'warnings'>

/** Reads a pipeline file, or a job file as a run of one step. */
export const readRunFile = (
  text: ReadText,
  file: string,
  given: GivenValues,
): Result<ReadRun, MusterError> =>
  Object.hasOwn(text.value, 'steps')
    ? readPipeline({ text, file, given })
    : readSingle({ text, file, given })

interface Reading {
  readonly text: ReadText
  readonly file: string
  readonly given: GivenValues
}

const readSingle = ({ text, file, given }: Reading): Result<ReadRun, MusterError> => {
  const overridden = applyOverrides(text.value, given.overrides)
  if (!overridden.ok) return overridden
  const origin: Origin = { text, overridden: overridden.value }
  const filled = fillFields(overridden.value.value, origin, given, {})
  if (!filled.ok) return filled
  const { fields, parameters } = filled.value
  const job = readJobFields(fields, file, origin)
  if (!job.ok) return job
  const checked = jobFileSchema.parse(fields)
  const schedule = scheduleOf(checked.schedule, dirname(file))
  if (!schedule.ok) return refuse([schedule.error], origin)
  const { spec } = job.value
  return ok({
    name: spec.name,
    experiment: checked.experiment ?? spec.name,
    description: spec.description,
    tags: spec.tags,
    parameters: parameters.values,
    continueOnStepFailure: false,
    regenerateOutputs: checked.regenerate_outputs ?? false,
    ...(schedule.value === undefined ? {} : { schedule: schedule.value }),
    steps: [
      {
        name: spec.name,
        job: job.value,
        wires: [],
        after: [],
        output: 'output',
        allowReuse: checked.allow_reuse ?? true,
      },
    ],
  })
}

const readPipeline = ({ text, file, given }: Reading): Result<ReadRun, MusterError> => {
  const whole = stepsOf(text.value)
  if (!whole.ok) return refuse([whole.error], plainOrigin(text))
  const split = splitOverrides(text.value, whole.value, given.overrides)
  if (!split.ok) return split
  const { top, steps: stepOverrides, isOverridden } = split.value
  const origin: Origin = { text, overridden: { value: top, isOverridden } }
  const { steps: _, ...others } = top
  const filled = fillFields(others, origin, given, asMap(others['inputs']))
  if (!filled.ok) return filled
  const { fields, parameters } = filled.value
  const checked = topSchema.safeParse(fields)
  if (!checked.success)
    return refuse(schemaFaults(checked.error, fields, pipelineFileSchema), origin)
  const data = checked.data
  const schedule = scheduleOf(data.schedule, dirname(file))
  if (!schedule.ok) return refuse([schedule.error], origin)

  const filledSteps: FilledStep[] = []
  for (const place of whole.value) {
    const step = fillStep(text, place, parameters, stepOverrides.get(place.name) ?? {})
    if (!step.ok) return step
    filledSteps.push(step.value)
  }
  const outputs = new Map(
    filledSteps.map(({ place, fields: own }) => [place.name, outputFieldsOf(own)]),
  )
  const steps: StepFile[] = []
  for (const filledStep of filledSteps) {
    const { place, fields: own } = filledStep
    const allowReuse = data.allow_reuse ?? true
    const step = readStep(own, { ...filledStep, file, outputs, allowReuse })
    if (!step.ok) return err(inStep(place, step.error))
    steps.push(step.value)
  }
  const wrong = checkWires(steps, whole.value)
  if (wrong !== undefined) return refuse([wrong], origin)
  return ok({
    name: data.name,
    experiment: data.experiment ?? data.name,
    description: data.description ?? '',
    tags: data.tags ?? {},
    parameters: parameters.values,
    continueOnStepFailure: data.continue_on_step_failure ?? false,
    regenerateOutputs: data.regenerate_outputs ?? false,
    ...(schedule.value === undefined ? {} : { schedule: schedule.value }),
    steps,
  })
}

/** Steps are checked one by one, so that what is wrong with one is told in its own words. */
const topSchema = pipelineFileSchema.omit({ steps: true })

interface FilledStep {
  readonly place: StepPlace
  readonly origin: Origin
  readonly fields: Fields
}

const inStep = ({ name }: StepPlace, error: MusterError): MusterError => ({
  ...error,
  message: `In step "${name}": ${error.message}`,
})

const fillStep = (
  text: ReadText,
  place: StepPlace,
  parameters: Parameters,
  overrides: GivenValues['overrides'],
): Result<FilledStep, MusterError> => {
  const overridden = applyOverrides(place.fields, overrides)
  if (!overridden.ok) return err(inStep(place, overridden.error))
  const origin: Origin = { text: below(text, place.path), overridden: overridden.value }
  const filled = fillParameters(overridden.value.value, parameters)
  if (filled.faults.length > 0) return err(inStep(place, refuse(filled.faults, origin).error))
  return ok({ place, origin, fields: filled.value as Fields })
}

/** The places of a text, seen from a step. */
const below = (text: ReadText, path: StepPlace['path']): ReadText => ({
  value: text.value,
  keyAt: (inside) => text.keyAt([...path, ...inside]),
  valueAt: (inside) => text.valueAt([...path, ...inside]),
  ...(text.nameAt === undefined
    ? {}
    : { nameAt: (inside: FieldPath) => text.nameAt?.([...path, ...inside]) ?? '' }),
  ...(text.known === undefined ? {} : { known: text.known }),
})

const plainOrigin = (text: ReadText): Origin => ({
  text,
  overridden: { value: text.value, isOverridden: () => false },
})

/** Parameters with their values, and the fields with every reference to one filled in. */
const fillFields = (
  fields: Fields,
  origin: Origin,
  given: GivenValues,
  inputs: Fields,
): Result<{ readonly fields: Fields; readonly parameters: Parameters }, MusterError> => {
  const declared = declaredSchema.safeParse({ parameters: fields['parameters'] })
  if (!declared.success) return refuse(schemaFaults(declared.error, fields), origin)
  const clash = Object.keys(inputs).find((name) =>
    Object.hasOwn(declared.data.parameters ?? {}, name),
  )
  if (clash !== undefined) return refuse([clashFault(clash)], origin)
  const parameters = resolveParameters(
    { parameters: declared.data.parameters ?? {}, inputs },
    given.parameters,
  )
  if (!parameters.ok) return parameters
  if (Object.keys(parameters.value.values).length > limits.pipelineParameters) return err(tooMany)
  const { parameters: definitions, ...rest } = fields
  const filled = fillParameters(rest, parameters.value)
  if (filled.faults.length > 0) return refuse(filled.faults, origin)
  const whole = filled.value as Fields
  return ok({
    fields: definitions === undefined ? whole : { ...whole, parameters: definitions },
    parameters: parameters.value,
  })
}

const declaredSchema = z.object({ parameters: parametersField() })

const clashFault = (name: string): Fault => ({
  rank: 0,
  path: ['inputs', name],
  message: `"${name}" is an input and a parameter: call one of them otherwise, since both are used by name`,
})

const tooMany = musterError(
  'JobFileInvalid',
  `A file has at most ${limits.pipelineParameters} parameters and inputs: take some away.`,
)

const asMap = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
