import { refused } from './check-options.ts'
import { inputFields } from './dataset-input.ts'
import type { InputFields } from './dataset-input.ts'
import { Model } from './model.ts'
import { plainFields } from './config-options.ts'
import type { ParallelRunConfigOptions } from './config-options.ts'
import type { ParallelRunStep, StepInput } from './parallel-run-step.ts'
import { PipelineParameter } from './parameter.ts'
import type { Maybe } from './parameter.ts'
import { PipelineData, StepOutput } from './pipeline-data.ts'

/** A Muster pipeline file as JSON, which is YAML too. */
export type PipelineFile = Readonly<Record<string, unknown>>

/** What is said of a pipeline besides its steps. */
export interface PipelineHead {
  readonly name: string
  readonly description: string
  readonly experiment: string
  readonly continueOnStepFailure: boolean
  readonly regenerateOutputs: boolean
  /** The field `schedule` of a file; undefined: it is run once. */
  readonly schedule?: PipelineFile
}

/** Writes steps as the file a person would have written; what it means is decided by the agent alone. */
export const pipelineFile = async (
  head: PipelineHead,
  steps: readonly ParallelRunStep[],
): Promise<PipelineFile> => {
  const parameters = new Map<string, PipelineParameter>()
  const written = []
  for (const step of steps) written.push(await stepFields(step, steps, parameters))
  return {
    name: head.name,
    experiment: head.experiment,
    ...(head.description === '' ? {} : { description: head.description }),
    ...(parameters.size === 0 ? {} : { parameters: parameterFields(parameters) }),
    ...(head.continueOnStepFailure ? { continue_on_step_failure: true } : {}),
    ...(head.regenerateOutputs ? { regenerate_outputs: true } : {}),
    ...(head.schedule === undefined ? {} : { schedule: head.schedule }),
    steps: written,
  }
}

const parameterFields = (parameters: ReadonlyMap<string, PipelineParameter>): PipelineFile =>
  Object.fromEntries(
    [...parameters.values()].map(({ name, defaultValue, description }) => [
      name,
      description === undefined
        ? (defaultValue ?? null)
        : { ...(defaultValue === undefined ? {} : { default: defaultValue }), description },
    ]),
  )

const stepFields = async (
  step: ParallelRunStep,
  steps: readonly ParallelRunStep[],
  parameters: Map<string, PipelineParameter>,
): Promise<PipelineFile> => {
  const { name, parallelRunConfig, output, arguments: given, allowReuse } = step.options
  const { model, models, description, tags } = step.options
  const { options } = parallelRunConfig
  const { environment, sourceDirectory } = options
  const after = step.options.runAfter?.map((one) => one.name)
  const side = step.options.sideInputs ?? []
  const fields = {
    name,
    ...(description === undefined ? {} : { description }),
    ...(tags === undefined ? {} : { tags }),
    ...(environment?.runtime === undefined ? {} : { runtime: environment.runtime }),
    ...configFields(options),
    ...(sourceDirectory === undefined ? {} : scriptPlace(options, sourceDirectory, parameters)),
    ...(Object.keys(environment?.environmentVariables ?? {}).length === 0
      ? {}
      : { environment_variables: environment?.environmentVariables }),
    ...(options.computeTarget === undefined ? {} : { compute: computeName(options.computeTarget) }),
    ...(model === undefined ? {} : { model: modelField(model) }),
    ...(models === undefined
      ? {}
      : {
          models: Object.fromEntries(
            Object.entries(models).map(([as, one]) => [as, modelField(one)]),
          ),
        }),
    ...(given === undefined ? {} : { arguments: given }),
    inputs: await allInputs(step.options.inputs, steps),
    ...(side.length === 0 ? {} : { side_inputs: await allInputs(side, steps) }),
    ...(output === undefined ? {} : { output_name: output.name }),
    ...(after === undefined ? {} : { after }),
    ...(allowReuse === undefined ? {} : { allow_reuse: allowReuse }),
  }
  return replaceParameters(fields, parameters) as PipelineFile
}

const modelField = (
  model: NonNullable<ParallelRunStep['options']['model']>,
): PipelineParameter | string => (model instanceof Model ? model.reference : model)

const configFields = (options: ParallelRunConfigOptions): PipelineFile =>
  Object.fromEntries(
    Object.entries(plainFields).flatMap(([option, field]) => {
      const value = options[option as keyof typeof plainFields]
      return value === undefined ? [] : [[field, value]]
    }),
  )

/** Azure looks for the script below the source folder; a job file names both from where it lies. */
const scriptPlace = (
  { entryScript }: ParallelRunConfigOptions,
  sourceDirectory: Maybe<string>,
  parameters: Map<string, PipelineParameter>,
): PipelineFile => {
  const folder = String(replaceParameters(sourceDirectory, parameters))
  if (entryScript === undefined) return { source_directory: folder }
  const script = String(replaceParameters(entryScript, parameters))
  return {
    source_directory: folder,
    entry_script: `${folder.replace(/[\\/]+$/, '')}/${script}`,
  }
}

const computeName = (
  target: NonNullable<ParallelRunConfigOptions['computeTarget']>,
): PipelineParameter | string =>
  typeof target === 'string' || target instanceof PipelineParameter ? target : target.name

const allInputs = async (
  inputs: readonly StepInput[],
  steps: readonly ParallelRunStep[],
): Promise<PipelineFile> => {
  const fields: Record<string, InputFields | string> = {}
  for (const input of inputs) {
    const { name, value } = await oneInput(input, steps)
    if (fields[name] !== undefined)
      throw refused(`Two inputs are named "${name}"; give each its own with asNamedInput().`)
    fields[name] = value
  }
  return fields
}

const oneInput = async (
  input: StepInput,
  steps: readonly ParallelRunStep[],
): Promise<{ readonly name: string; readonly value: InputFields | string }> => {
  if (input instanceof PipelineData) return { name: input.name, value: outputOf(input, steps) }
  if (input instanceof StepOutput) {
    const path = outputOf(input.data, steps)
    return { name: input.name, value: input.mode === 'mount' ? path : { path, mode: input.mode } }
  }
  const fields = await inputFields(input.dataset.source)
  const mode = input.mode === 'mount' ? {} : { mode: input.mode }
  return { name: input.name, value: { ...fields, ...mode } }
}

const outputOf = (data: PipelineData, steps: readonly ParallelRunStep[]): string => {
  const maker = steps.find((step) => step.options.output === data)
  if (maker !== undefined) return `\${{steps.${maker.name}.outputs.${data.name}}}`
  throw refused(
    `No step of the pipeline gives the output "${data.name}"; add the step that has it as its output.`,
  )
}

/** Puts references in place of parameters, and collects what they refer to. */
const replaceParameters = (value: unknown, found: Map<string, PipelineParameter>): unknown => {
  if (value instanceof PipelineParameter) {
    const known = found.get(value.name)
    if (known !== undefined && known !== value && known.defaultValue !== value.defaultValue)
      throw refused(
        `Two parameters are named "${value.name}" and have different defaults; rename one of them.`,
      )
    found.set(value.name, value)
    return value.reference
  }
  if (Array.isArray(value)) return value.map((one: unknown) => replaceParameters(one, found))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, replaceParameters(one, found)]),
  )
}
