import { createBuilt } from './build.ts'
import type { Built } from './build.ts'
import { checkFields } from './check.ts'
import { isMap, mapAt, wrong } from './file.ts'
import type { AzureFile, AzurePath, Fields } from './file.ts'
import {
  deploymentFields,
  deploymentTable,
  runConfigFields,
  runConfigTable,
} from './flat-fields.ts'
import { modelFieldsOf } from './inputs.ts'
import { jobNameOf } from './names.ts'
import { poolOf } from './places.ts'
import type { AzureTranslation } from './translation.ts'

/** `$schema` of `.../modelBatchDeployment.schema.json` and its older name, or the fields that only it has. */
export const isDeployment = (value: Fields): boolean => {
  const { $schema: schema, type, jobs } = value
  if (type === 'parallel' || jobs !== undefined) return false
  if (/batchdeployment\.schema\.json/i.test(String(schema))) return true
  if (type === 'managed' || type === 'kubernetes' || /online/i.test(String(schema))) return false
  return typeof value['endpoint_name'] === 'string' || isMap(value['code_configuration'])
}

export const isRunConfig = (value: Fields): boolean => isMap(value['parallel_run_config'])

/** A batch deployment as the job that one call of it would be, without its data. */
export const translateDeployment = (value: Fields): AzureTranslation => {
  const file: AzureFile = { root: withoutNulls(value), warnings: [], faults: [] }
  const { root } = file
  if (root['type'] === 'pipeline') wrong(file, ['type'], `is pipeline: ${pipelineInstead}`)
  else checkFields(file, deploymentTable)
  const built = createBuilt()
  built.put(['name'], jobNameOf(nameIn(root)), ['name'])
  copy(file, built, deploymentFields)
  compute(file, built, ['compute'])
  model(file, built)
  const settings = mapAt(root, 'settings')
  const name = settings['output_file_name'] ?? root['output_file_name'] ?? 'predictions.csv'
  if (settings['output_action'] !== 'summary_only' && root['output_action'] !== 'summary_only')
    built.put(['append_row_file_name'], name, [
      ...(settings['output_file_name'] === undefined ? [] : ['settings']),
      'output_file_name',
    ])
  const code = mapAt(root, 'code_configuration')
  const script = code['scoring_script'] ?? code['entry_script']
  if (script === undefined && root['type'] !== 'pipeline')
    file.faults.push({
      rank: 2,
      path: ['code_configuration'],
      message:
        '"code_configuration" is missing: without a script Azure has MLflow run the model; here name a script, or write a job file with the model as .onnx, preprocess and postprocess',
    })
  else putScript(file, built, { script, folder: code['code'], at: ['code_configuration'] })
  return { ...finished(file, built), countsFiles: true }
}

const pipelineInstead =
  'a deployment of a pipeline component is not read; submit the YAML file of a pipeline job with parallel steps'

const nameIn = ({ name, endpoint_name: endpoint }: Fields): string =>
  [name, endpoint].find((one) => typeof one === 'string') ?? 'deployment'

/** What the SDK v1 saved of a step, without its data, model and arguments. */
export const translateRunConfig = (value: Fields): AzureTranslation => {
  const top = 'parallel_run_config'
  const config = withoutNulls(mapAt(value, top))
  const file: AzureFile = { root: { ...value, [top]: config }, warnings: [], faults: [] }
  checkFields(file, runConfigTable)
  const built = createBuilt()
  const { entry_script: script, source_directory: folder } = config
  const base = typeof script === 'string' ? (script.split(/[\\/]/).at(-1) ?? '') : ''
  built.put(['name'], jobNameOf(base.replace(/\.[^.]*$/, '')), [top, 'entry_script'])
  copy(file, built, runConfigFields)
  compute(file, built, [top, 'compute_target_name'])
  putScript(file, built, { script, folder, at: [top] })
  return finished(file, built)
}

const finished = ({ warnings, faults }: AzureFile, built: Built): AzureTranslation => ({
  fields: built.fields(),
  origin: built.origin,
  warnings,
  faults,
  awaited: [],
  isWithoutData: true,
})

/** What a program saved says null where nothing was set. */
const withoutNulls = (value: Fields): Fields =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null))

const copy = (
  file: AzureFile,
  built: Built,
  fields: readonly { readonly path: string; readonly into?: string }[],
): void => {
  for (const { path, into } of fields) {
    const from = path.split('.')
    const value = from.reduce<unknown>((here, name) => mapAt({ here }, 'here')[name], file.root)
    if (into === undefined || value === undefined || value === null) continue
    built.put(into.split('.'), inOurCase(into, value), from)
  }
}

/** Azure takes these words in any case. */
const inOurCase = (field: string, value: unknown): unknown => {
  if (typeof value !== 'string') return value
  if (field === 'logging_level') return value.toUpperCase()
  return field === 'output_action' ? value.toLowerCase() : value
}

const compute = (file: AzureFile, built: Built, at: AzurePath): void => {
  const value = at.reduce<unknown>((here, name) => mapAt({ here }, 'here')[name], file.root)
  if (value === undefined) return
  const pool = typeof value === 'string' ? poolOf(value) : undefined
  if (pool !== undefined) built.put(['compute'], pool, at)
  else if (typeof value !== 'string') wrong(file, at, 'must be the name of a compute')
}

const model = (file: AzureFile, built: Built): void => {
  const { model: given } = file.root
  if (given === undefined) return
  const { path, name, version } = isMap(given) ? given : { path: given }
  const at = isMap(given) ? ['model', 'path'] : ['model']
  if (typeof path === 'string') {
    const fields = modelFieldsOf(file, { kind: 'data', type: 'custom_model', path, at })
    if (fields === undefined) return
    built.put(['model'], fields, at)
    for (const one of Object.keys(fields)) built.put(['model', one], fields[one], at)
  } else if (typeof name === 'string') {
    const isVersion = typeof version === 'string' || typeof version === 'number'
    built.put(['model'], isVersion ? `${name}:${version}` : name, ['model', 'name'])
  } else wrong(file, ['model'], 'must be azureml:NAME:VERSION, a path, or a map with path or name')
}

const putScript = (
  file: AzureFile,
  built: Built,
  given: { readonly script: unknown; readonly folder: unknown; readonly at: AzurePath },
): void => {
  const field = given.at[0] === 'code_configuration' ? 'scoring_script' : 'entry_script'
  const [code, at] = [
    given.at[0] === 'code_configuration' ? 'code' : 'source_directory',
    [...given.at, field],
  ]
  const { script } = given
  if (typeof script !== 'string' || script === '') {
    if (script !== undefined) wrong(file, at, 'must be the path of a script')
    else if (file.faults.length === 0)
      wrong(file, given.at, `needs "${field}", the path of a script`)
    return
  }
  const folder = typeof given.folder === 'string' ? given.folder.replace(/\/+$/, '') : ''
  built.put(['entry_script'], folder === '' ? script : `${folder}/${script}`, at)
  if (folder !== '') built.put(['source_directory'], folder, [...given.at, code])
}
