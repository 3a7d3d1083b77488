import { createBuilt } from './build.ts'
import type { Built } from './build.ts'
import { checkFields } from './check.ts'
import { createCommands } from './commands.ts'
import type { Commands } from './commands.ts'
import { fill, isMap, mapAt, sourceOf, wrong } from './file.ts'
import { isDeployment, isRunConfig, translateDeployment, translateRunConfig } from './flat.ts'
import { isForeign, refuseForeign } from './foreign.ts'
import { jobNameOf } from './names.ts'
import type { AzureFile, AzurePath, Fields } from './file.ts'
import { translateStep } from './step.ts'
import type { AzureTranslation } from './translation.ts'

/**
 * Whether a file is written in Azure ML's words: a pipeline of jobs, a lone parallel job, a batch deployment,
 * or a saved `ParallelRunConfig`.
 */
export const isAzureFile = (value: Fields): boolean =>
  (value['type'] === 'pipeline' && value['jobs'] !== undefined) ||
  value['type'] === 'parallel' ||
  isDeployment(value) ||
  isRunConfig(value) ||
  isForeign(value)

/** Translates the words; touches no file. What is wrong with the values themselves is found afterwards. */
export const translateAzure = (value: Fields): AzureTranslation => {
  const refused = refuseForeign(value)
  if (refused !== undefined) return refused
  if (isRunConfig(value)) return translateRunConfig(value)
  if (isDeployment(value)) return translateDeployment(value)
  const lone = value['type'] === 'parallel'
  const name = typeof value['name'] === 'string' ? value['name'] : 'parallel'
  const { $schema: _, name: __, experiment_name: experiment, ...step } = value
  const root = lone
    ? {
        jobs: { [name]: step },
        ...(experiment === undefined ? {} : { experiment_name: experiment }),
      }
    : value
  const translation = translateFile({ root, warnings: [], faults: [] })
  return lone ? withoutStep(translation, name) : translation
}

/** A lone job's fields stand at the top of its file. */
const withoutStep = (translation: AzureTranslation, name: string): AzureTranslation => {
  const cut = (path: AzurePath): AzurePath => (path[0] === 'jobs' ? path.slice(2) : path)
  const prefix = `jobs.${name}.`
  return {
    fields: translation.fields,
    awaited: [],
    origin: (path) => cut(translation.origin(path)),
    warnings: translation.warnings.map((note) => ({ ...note, path: cut(note.path) })),
    faults: translation.faults.map((fault) => ({
      ...fault,
      path: cut(fault.path),
      message: fault.message.replace(`"${prefix}`, '"'),
    })),
  }
}

const translateFile = (file: AzureFile): AzureTranslation => {
  checkFields(file)
  const built = createBuilt()
  const commands = createCommands(file)
  const steps = parallelSteps(file, commands)
  const names = stepNames(steps)
  const isSingle = steps.length === 1
  const reads = readOutputs(file, steps)
  translateTop(file, built, isSingle ? names.get(steps[0] ?? '') : undefined)
  for (const name of steps)
    translateStep({
      file,
      commands,
      built,
      to: isSingle ? [] : ['steps', names.get(name) ?? name],
      name,
      stepName: (other) => names.get(other),
      read: isSingle ? undefined : reads.get(name),
    })
  commands.warn()
  const { warnings, faults } = file
  const { awaited } = commands
  return { fields: built.fields(), origin: built.origin, warnings, faults, awaited }
}

const parallelSteps = (file: AzureFile, commands: Commands): readonly string[] => {
  const jobs = mapAt(file.root, 'jobs')
  const steps: string[] = []
  for (const [name, job] of Object.entries(jobs)) {
    if (commands.isCommand(name)) continue
    const type = isMap(job) ? job['type'] : undefined
    if (type === 'parallel') steps.push(name)
    else wrong(file, ['jobs', name], `must have the type parallel, but its type is ${shown(type)}`)
  }
  if (steps.length === 0 && file.faults.length === 0)
    file.faults.push({
      rank: 2,
      path: ['jobs'],
      message: '"jobs" has no step of the type parallel: there is nothing to run',
    })
  return steps
}

const shown = (type: unknown): string => (typeof type === 'string' ? `"${type}"` : 'missing')

/** Names of steps in the form of a job's name: `batch_prediction` is `batch-prediction`. */
const stepNames = (steps: readonly string[]): ReadonlyMap<string, string> => {
  const taken = new Set<string>()
  return new Map(
    steps.map((step) => {
      const plain = jobNameOf(step)
      let name = plain
      for (let n = 2; taken.has(name); n += 1) name = `${plain.slice(0, 28)}-${n}`
      taken.add(name)
      return [step, name]
    }),
  )
}

/** The output of each step that another one reads. A step gives one. */
const readOutputs = (file: AzureFile, steps: readonly string[]): ReadonlyMap<string, string> => {
  const reads = new Map<string, string>()
  const quiet = { ...file, faults: [], warnings: [] }
  for (const name of steps)
    for (const [input, value] of Object.entries(mapAt(mapAt(file.root['jobs'], name), 'inputs'))) {
      const at = ['jobs', name, 'inputs', input]
      const source = sourceOf(quiet, at, value)
      if (source?.kind !== 'step') continue
      const other = reads.get(source.step)
      if (other !== undefined && other !== source.output)
        wrong(
          file,
          at,
          `reads "${source.output}" of ${source.step}, of which another step reads "${other}": a step gives one output`,
        )
      reads.set(source.step, source.output)
    }
  return reads
}

const translateTop = (file: AzureFile, built: Built, single: string | undefined): void => {
  const { root } = file
  const text = (field: string): string | undefined => {
    const value = root[field]
    return typeof value === 'string' ? fill(file, [field], value) : undefined
  }
  const named = (['name', 'display_name', 'experiment_name'] as const).find(
    (field) => text(field) !== undefined,
  )
  if (single !== undefined) built.put(['name'], single, ['jobs'])
  else built.put(['name'], jobNameOf(text(named ?? 'name') ?? 'pipeline'), [named ?? 'jobs'])
  const tags = isMap(root['tags']) ? root['tags'] : undefined
  if (root['tags'] !== undefined) built.put(['tags'], { ...tags }, ['tags'])
  const title = text('display_name')
  const description = text('description')
  if (description !== undefined) built.put(['description'], description, ['description'])
  else if (title !== undefined) built.put(['description'], title, ['display_name'])
  if (description !== undefined && title !== undefined)
    built.put(['tags', 'display_name'], title, ['display_name'])
  if (root['experiment_name'] !== undefined)
    built.put(['experiment'], root['experiment_name'], ['experiment_name'])
  const settings = mapAt(root, 'settings')
  if (settings['force_rerun'] !== undefined)
    built.put(['regenerate_outputs'], settings['force_rerun'], ['settings', 'force_rerun'])
  if (single === undefined)
    built.put(['continue_on_step_failure'], settings['continue_on_step_failure'] ?? true, [
      'settings',
      'continue_on_step_failure',
    ])
}
