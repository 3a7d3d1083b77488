import { readArguments } from './arguments.ts'
import type { Built } from './build.ts'
import type { Commands } from './commands.ts'
import { cutExpressions, soleExpression } from './expressions.ts'
import { fill, isMap, mapAt, wrong } from './file.ts'
import type { AzureFile, AzurePath, Fields, Source } from './file.ts'
import { inputFieldsOf, modeFields, modelFieldsOf, readInputs } from './inputs.ts'
import type { StepInputs } from './inputs.ts'
import { fileAsPattern, poolOf } from './places.ts'

/** One parallel step on its way into the fields of a job. */
export interface StepContext {
  readonly file: AzureFile
  readonly commands: Commands
  readonly built: Built
  /** Where its fields go: nowhere for a single job, `steps.NAME` else. */
  readonly to: AzurePath
  /** Its key in the file. */
  readonly name: string
  /** Name of another step in the job file. */
  readonly stepName: (name: string) => string | undefined
  /** The output of this step that others read. */
  readonly read: string | undefined
}

export const translateStep = (context: StepContext): void => {
  const { file, name } = context
  const at = ['jobs', name]
  const step = mapAt(file.root['jobs'], name)
  if (step['component'] !== undefined)
    wrong(file, [...at, 'component'], 'stands in a lone job: put the job into a pipeline')
  const task = mapAt(step, 'task')
  const inputs = readInputs(file, at, step, (input) => isCalledModel(task, input))
  translateSettings(context, step, inputs)
  translateTask(context, task, inputs)
  translateOutput(context, step, task)
  translateInputs(context, step, inputs)
}

const textAt = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined

/** `--model ${{inputs.x}}`: x is the script's model. */
const isCalledModel = (task: Fields, input: string): boolean => {
  const text = textAt(task['program_arguments']) ?? textAt(task['args']) ?? ''
  const parts = cutExpressions(text)
  return parts.some((part, i) => {
    const before = parts[i - 1]
    if (typeof part === 'string' || typeof before !== 'string') return false
    const { expression } = part
    const isInput = expression.kind === 'input' && expression.name === input
    return isInput && /--[a-z_-]*model[a-z_-]*[\s=]*$/i.test(before)
  })
}

/** Plain inputs by name, as the text that stands for them. */
const plain =
  (inputs: StepInputs) =>
  (name: string): string | undefined => {
    const source = inputs.sources.get(name)
    return source?.kind === 'value' ? String(source.value) : undefined
  }

const plainFields = [
  'mini_batch_size',
  'error_threshold',
  'mini_batch_error_threshold',
  'logging_level',
  'max_concurrency_per_instance',
  'resources.instance_count',
  'retry_settings.max_retries',
  'retry_settings.timeout',
] as const

const translateSettings = (context: StepContext, step: Fields, inputs: StepInputs): void => {
  const { file, built, to, name } = context
  for (const field of plainFields) {
    const path = field.split('.')
    const at = ['jobs', name, ...path]
    const value = path.reduce<unknown>((here, one) => (isMap(here) ? here[one] : undefined), step)
    if (value === undefined) continue
    const filled = filledIn(context, at, value, inputs)
    const isLevel = field === 'logging_level' && typeof filled === 'string'
    built.put([...to, ...path], isLevel ? filled.toUpperCase() : filled, at)
  }
  translateWords(context, step)
  for (const field of ['partition_keys', 'environment_variables'])
    if (step[field] !== undefined) {
      const at = ['jobs', name, field]
      built.put([...to, field], filledIn(context, at, step[field], inputs), at)
    }
  if (step['is_deterministic'] !== undefined)
    built.put([...to, 'allow_reuse'], step['is_deterministic'], ['jobs', name, 'is_deterministic'])
  const compute = [
    { value: step['compute'], at: ['jobs', name, 'compute'] },
    { value: mapAt(file.root, 'settings')['default_compute'], at: ['settings', 'default_compute'] },
    { value: file.root['compute'], at: ['compute'] },
  ].find(({ value }) => value !== undefined)
  if (compute === undefined) return
  const pool =
    typeof compute.value === 'string' ? poolOf(fill(file, compute.at, compute.value)) : ''
  if (pool === '') wrong(file, compute.at, 'must be the name of a compute, such as azureml:NAME')
  else if (pool !== undefined) built.put([...to, 'compute'], pool, compute.at)
}

/** Words for people. Those of the pipeline go before those of its only step. */
const translateWords = ({ built, to, name }: StepContext, step: Fields): void => {
  const isOnly = to.length === 0
  const field = step['description'] === undefined ? 'display_name' : 'description'
  const isSaid = isOnly && built.fields()['description'] !== undefined
  if (step[field] !== undefined && !isSaid)
    built.put([...to, 'description'], step[field], ['jobs', name, field])
  if (!isMap(step['tags'])) return
  const before = isOnly ? mapAt(built.fields(), 'tags') : {}
  for (const [tag, value] of Object.entries(step['tags']))
    if (!Object.hasOwn(before, tag))
      built.put([...to, 'tags', tag], value, ['jobs', name, 'tags', tag])
}

/** A value, or each one of a list or a map, with its expressions replaced. */
const filledIn = (
  context: StepContext,
  at: AzurePath,
  value: unknown,
  inputs: StepInputs,
): unknown => {
  if (typeof value === 'string') return fill(context.file, at, value, plain(inputs))
  if (Array.isArray(value)) return value.map((one: unknown) => filledIn(context, at, one, inputs))
  if (!isMap(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, filledIn(context, at, one, inputs)]),
  )
}

const translateTask = (context: StepContext, task: Fields, inputs: StepInputs): void => {
  const { file, built, to, name } = context
  const at = ['jobs', name, 'task']
  const { type, code, entry_script: entry } = task
  if (type !== undefined && type !== 'run_function' && type !== 'function')
    wrong(file, [...at, 'type'], 'must be run_function')
  const folder = textAt(code)?.replace(/\/+$/, '')
  if (code !== undefined && folder === undefined) wrong(file, [...at, 'code'], 'must be a folder')
  if (typeof entry !== 'string' || entry === '')
    file.faults.push({
      rank: 2,
      path: [...at, 'entry_script'],
      message: `"${[...at, 'entry_script'].join('.')}" is missing: it must be the path of a script`,
    })
  else {
    const whole = folder === undefined || folder === '' ? entry : `${folder}/${entry}`
    built.put([...to, 'entry_script'], whole, [...at, 'entry_script'])
  }
  if (folder !== undefined && folder !== '')
    built.put([...to, 'source_directory'], folder, [...at, 'code'])
  const from = task['program_arguments'] === undefined ? 'args' : 'program_arguments'
  if (task[from] === undefined) return
  const text = textAt(task[from])
  if (text === undefined) {
    wrong(file, [...at, from], 'must be a text')
    return
  }
  const given = readArguments(file, [...at, from], text, (written) =>
    fill(file, [...at, from], written, (input) =>
      inputs.sources.get(input)?.kind === 'value'
        ? plain(inputs)(input)
        : known(context, input, from),
    ),
  )
  if (given.words.length > 0) built.put([...to, 'arguments'], given.words, [...at, from])
  for (const [field, value] of Object.entries(given.settings))
    built.put([...to, field], value, [...at, from])
}

/** Data is named, not found: only the worker knows where it lies. */
const known = ({ file, name }: StepContext, input: string, from: string): string => {
  const inputs = mapAt(mapAt(file.root['jobs'], name), 'inputs')
  if (!Object.hasOwn(inputs, input))
    wrong(
      file,
      ['jobs', name, 'task', from],
      `names the input "${input}", which the step does not have`,
    )
  return input
}

const translateOutput = (context: StepContext, step: Fields, task: Fields): void => {
  const { file, built, to, name, read } = context
  const at = ['jobs', name, 'task', 'append_row_to']
  const { append_row_to: given } = task
  if (given === undefined) {
    built.put([...to, 'output_action'], 'summary_only', ['jobs', name, 'task'])
    if (read !== undefined) built.put([...to, 'output_name'], read, ['jobs', name, 'outputs', read])
    return
  }
  const bound = soleExpression(given)
  const outputs = mapAt(step, 'outputs')
  if (bound?.kind !== 'output' || !Object.hasOwn(outputs, bound.name)) {
    wrong(file, at, "must name one of the step's outputs, such as ${{outputs.rows}}")
    return
  }
  if (read !== undefined && read !== bound.name)
    wrong(
      file,
      ['jobs', name, 'outputs', read],
      `is read by another step, but "${bound.name}" takes the rows: a step gives either files or rows`,
    )
  built.put([...to, 'output_action'], 'append_row', at)
  built.put([...to, 'append_row_file_name'], rowFile(file, bound.name, outputs[bound.name]), [
    'jobs',
    name,
    'outputs',
    bound.name,
    'path',
  ])
  if (read !== undefined) built.put([...to, 'output_name'], read, ['jobs', name, 'outputs', read])
}

/** The last part of the output's path, followed through the pipeline's own outputs. */
const rowFile = (file: AzureFile, name: string, output: unknown): string => {
  const bound = soleExpression(output)
  const whole =
    bound?.kind === 'parent-output' ? mapAt(mapAt(file.root, 'outputs'), bound.name) : output
  const path = isMap(whole) ? textAt(whole['path']) : undefined
  const last = path?.split('/').at(-1)
  return last === undefined || last === '' || last.includes('${{') ? `${name}.txt` : last
}

const translateInputs = (context: StepContext, step: Fields, inputs: StepInputs): void => {
  const { file, built, to, name } = context
  const keys = Array.isArray(step['partition_keys']) ? step['partition_keys'].map(String) : []
  const at = (input: string): AzurePath => ['jobs', name, 'inputs', input]
  for (const [input, field] of [
    ...(inputs.split === undefined ? [] : [[inputs.split, 'inputs'] as const]),
    ...inputs.side.map((side) => [side, 'side_inputs'] as const),
  ]) {
    const source = inputs.sources.get(input)
    if (source === undefined) continue
    const given =
      source.kind === 'value' ? notData(context, input) : dataFields(context, source, keys)
    if (given === undefined) continue
    const from = source.kind === 'data' ? source.at : at(input)
    built.put([...to, field, input], given, from)
    for (const one of Object.keys(given)) built.put([...to, field, input, one], given[one], from)
  }
  for (const input of inputs.models) {
    const model = inputs.sources.get(input)
    if (model === undefined) continue
    if (model.kind !== 'data') {
      wrong(file, at(input), 'is a model that a step makes: register it and give its name')
      continue
    }
    const given = modelFieldsOf(file, model)
    if (given === undefined) continue
    const where = inputs.models.length === 1 ? [...to, 'model'] : [...to, 'models', input]
    built.put(where, given, model.at)
    for (const one of Object.keys(given)) built.put([...where, one], given[one], model.at)
  }
}

const notData = ({ file, name }: StepContext, input: string): undefined =>
  wrong(
    file,
    ['jobs', name, 'inputs', input],
    'is split, so it must be data: a map with type and path',
  )

const dataFields = (
  { file, commands, stepName }: StepContext,
  source: Exclude<Source, { kind: 'value' }>,
  keys: readonly string[],
): Fields | undefined => {
  if (source.kind === 'data') return inputFieldsOf(file, source)
  if (commands.isCommand(source.step)) {
    const data = commands.outputOf(source, keys)
    if (data === undefined) return undefined
    const mode = source.mode === undefined ? {} : { mode: source.mode }
    if (data.type === 'table-file') return { ...fileAsPattern(data.path), type: 'table' }
    return inputFieldsOf(file, { ...data, ...mode })
  }
  const step = stepName(source.step)
  if (step === undefined)
    return wrong(
      file,
      source.at,
      `names the step "${source.step}", which the pipeline does not have`,
    )
  return {
    path: `\${{steps.${step}.outputs.${source.output}}}`,
    ...(source.type === 'mltable' ? { type: 'table' } : {}),
    ...modeFields(source),
  }
}
