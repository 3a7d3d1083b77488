import {
  createTable,
  environment,
  mapped,
  met,
  noImage,
  noPropagation,
  refused,
  warned,
} from './fields.ts'
import type { AzureField, AzureTable } from './fields.ts'

/**
 * Files that describe one job in a flat list of settings: batch deployments (`az ml batch-deployment`), and
 * what `ParallelRunConfig.save_to_yaml` of the SDK v1 writes. Their data is named elsewhere.
 */

/** A field, and the field of a job file that takes its value as it is. */
interface FlatField extends AzureField {
  readonly into?: string
}

const into = (path: string, field: string): FlatField => ({
  ...mapped(path, `\`${field}\``),
  into: field,
})

const noEndpoint = 'nothing waits for calls here: each job is submitted with its data'
const pipelineInstead =
  'a deployment of a pipeline component is not read: submit the YAML file of a pipeline job with parallel steps'

/** Settings stand below `settings`, and in older deployments at the top. */
const settingsAt = (at: string): readonly FlatField[] => [
  into(`${at}mini_batch_size`, 'mini_batch_size'),
  into(`${at}max_concurrency_per_instance`, 'max_concurrency_per_instance'),
  into(`${at}output_action`, 'output_action'),
  mapped(
    `${at}output_file_name`,
    '`append_row_file_name`, `predictions.csv` if left out, as there',
  ),
  into(`${at}error_threshold`, 'error_threshold'),
  into(`${at}logging_level`, 'logging_level'),
  met(`${at}retry_settings`, 'a map'),
  into(`${at}retry_settings.max_retries`, 'retry_settings.max_retries'),
  into(`${at}retry_settings.timeout`, 'retry_settings.timeout'),
  into(`${at}environment_variables`, 'environment_variables'),
]

/** Batch deployments of a model. */
export const deploymentFields: readonly FlatField[] = [
  met('$schema', 'it is for editors'),
  mapped('type', 'chooses this dialect, with `$schema`: `model`; `pipeline` is refused'),
  mapped('name', '`name`, in small letters with hyphens'),
  met('endpoint_name', noEndpoint),
  into('description', 'description'),
  into('tags', 'tags'),
  warned('properties', 'use tags'),
  mapped('model', '`model`: `azureml:NAME:VERSION`, a registered one; a path; or a map'),
  mapped('model.name', '`model.name`, if there is no path'),
  mapped('model.version', '`model.version`, if there is no path'),
  mapped('model.path', '`model.path`: a folder with one `.onnx` file, or the file'),
  met('model.type', 'the model is an ONNX file here'),
  met('model.description', 'it is for people'),
  met('model.tags', 'it is for people'),
  met('code_configuration', 'a map'),
  mapped('code_configuration.code', '`source_directory`'),
  mapped(
    'code_configuration.scoring_script',
    '`entry_script` in `code`; for a `.py` script the `.ts` or `.js` script of the same name beside it',
  ),
  ...environment('environment'),
  mapped('compute', '`compute`: `azureml:NAME` is the pool NAME'),
  met('resources', 'a map'),
  into('resources.instance_count', 'resources.instance_count'),
  warned('resources.instance_type', noPropagation),
  warned('resources.properties', noPropagation),
  met('settings', 'a map'),
  ...settingsAt('settings.'),
  refused('settings.continue_on_step_failure', pipelineInstead),
  refused('settings.default_compute', pipelineInstead),
  refused('component', pipelineInstead),
  refused('job_definition', pipelineInstead),
  ...settingsAt(''),
]

export const deploymentTable: AzureTable = createTable(deploymentFields)

const top = 'parallel_run_config'

/** What `ParallelRunConfig.save_to_yaml` writes. */
export const runConfigFields: readonly FlatField[] = [
  mapped(top, 'chooses this dialect'),
  mapped(
    `${top}.entry_script`,
    '`entry_script` in `source_directory`; also gives the job its `name`',
  ),
  mapped(`${top}.source_directory`, '`source_directory`'),
  mapped(`${top}.compute_target_name`, '`compute`: the pool of that name'),
  ...[
    'description',
    'mini_batch_size',
    'partition_keys',
    'error_threshold',
    'allowed_failed_count',
    'allowed_failed_percent',
    'output_action',
    'append_row_file_name',
    'logging_level',
    'node_count',
    'process_count_per_node',
    'run_invocation_timeout',
    'run_max_try',
  ].map((field) => into(`${top}.${field}`, field)),
  warned(`${top}.environment`, noImage),
  warned(`${top}.environment_name`, noImage),
  warned(`${top}.environment_dir_path`, noImage),
]

export const runConfigTable: AzureTable = createTable(runConfigFields)
