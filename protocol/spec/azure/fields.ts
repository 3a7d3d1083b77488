/**
 * Every field of Azure ML's v2 YAML (`type: pipeline`, `type: parallel`) that is known here, and what becomes
 * of it. The source of the checks and of the table in `docs/azure.md`. `*` stands for a name the person chose.
 */
export type AzureFate =
  /** It becomes `to`, a field of a job or pipeline file, or what `to` says. */
  | { readonly kind: 'mapped'; readonly to: string }
  /** It is right here too and needs nothing done. */
  | { readonly kind: 'met'; readonly why: string }
  /** It cannot be honoured and changes no result: a warning names its line. */
  | { readonly kind: 'warned'; readonly why: string }
  /** It would change results: an error that says what to do. */
  | { readonly kind: 'refused'; readonly instead: string }

export interface AzureField {
  /** Dotted, from the top of a pipeline's file; a lone parallel job's fields are those of `jobs.*`. */
  readonly path: string
  readonly fate: AzureFate
}

export const mapped = (path: string, to: string): AzureField => ({
  path,
  fate: { kind: 'mapped', to },
})
export const met = (path: string, why: string): AzureField => ({ path, fate: { kind: 'met', why } })
export const warned = (path: string, why: string): AzureField => ({
  path,
  fate: { kind: 'warned', why },
})
export const refused = (path: string, instead: string): AzureField => ({
  path,
  fate: { kind: 'refused', instead },
})

export const noImage = 'no container is used: what the script imports is bundled into it'
const noIdentity = "data is read with the rights of the account that runs the submitter's agent"
const ownFolder = "a run's output lies in a folder of its own in the submitter's home of Muster"
export const noPropagation = 'machines are those of the cluster: its owners set what they give'

const inputFields = (at: string): readonly AzureField[] => [
  mapped(
    `${at}.*`,
    'an input, a side input, the model, or a value that `${{inputs.NAME}}` stands for',
  ),
  mapped(
    `${at}.*.type`,
    '`uri_folder`, `uri_file`: files; `mltable`: a table; `mlflow_model`, `custom_model`: the model',
  ),
  mapped(
    `${at}.*.path`,
    '`path`; `azureml:NAME:VERSION`: a registered dataset or model; `azureml://datastores/NAME/paths/PATH`: a place in a datastore',
  ),
  mapped(
    `${at}.*.mode`,
    '`mode`: `ro_mount`, `rw_mount` and `eval_mount` are `mount`, `download` and `eval_download` are `download`, `direct` is `direct`; of an `mltable`, whose records are read in any case, `direct` is `mount`',
  ),
  met(`${at}.*.description`, 'it is for people'),
  mapped(`${at}.*.value`, 'the value, where `type` is `number`, `integer`, `boolean` or `string`'),
  mapped(`${at}.*.default`, 'the value, if there is no `value`'),
]

const outputFields = (at: string): readonly AzureField[] => [
  mapped(`${at}.*`, "the step's output: its rows if `append_row_to` names it, else its files"),
  met(`${at}.*.type`, '`append_row_to` decides whether rows or files are the output'),
  met(`${at}.*.mode`, 'output is collected as it comes, and complete or absent'),
  mapped(`${at}.*.path`, 'its last part is `append_row_file_name`; ' + ownFolder),
  warned(
    `${at}.*.name`,
    'outputs are not registered by themselves: `muster dataset register` does',
  ),
  warned(
    `${at}.*.version`,
    'outputs are not registered by themselves: `muster dataset register` does',
  ),
]

export const environment = (at: string): readonly AzureField[] => [
  warned(at, noImage),
  met(`${at}.name`, 'it is for people'),
  met(`${at}.version`, 'it is for people'),
  met(`${at}.description`, 'it is for people'),
  met(`${at}.tags`, 'it is for people'),
  warned(`${at}.image`, noImage),
  warned(`${at}.conda_file`, 'no Python is used: what the script imports is bundled into it'),
  warned(`${at}.build`, noImage),
  warned(`${at}.inference_config`, noImage),
  warned(`${at}.os_type`, 'a script runs on the system of each machine'),
]

const step = 'jobs.*'

/** Fields in the order of the table. A map whose children stand here too is looked into. */
export const azureFields: readonly AzureField[] = [
  met('$schema', 'it is for editors'),
  mapped('type', 'chooses this dialect: `pipeline` or `parallel`'),
  mapped('name', '`name` of a pipeline with several steps'),
  mapped('display_name', '`description` if there is none, else the tag `display_name`'),
  mapped('description', '`description`'),
  mapped('experiment_name', '`experiment`'),
  mapped('tags', '`tags`'),
  mapped('compute', '`compute`, for steps without their own'),
  met('settings', 'a map'),
  mapped('settings.default_compute', '`compute`, for steps without their own'),
  warned('settings.default_datastore', ownFolder),
  mapped(
    'settings.continue_on_step_failure',
    '`continue_on_step_failure`, true if left out, as there',
  ),
  mapped('settings.force_rerun', '`regenerate_outputs`'),
  met('inputs', 'values and data that steps name as `${{parent.inputs.NAME}}`'),
  ...inputFields('inputs'),
  met('outputs', 'names that steps bind as `${{parent.outputs.NAME}}`'),
  ...outputFields('outputs'),
  warned('identity', noIdentity),
  warned('properties', 'use tags'),
  mapped('jobs', 'the job, or `steps` if there are several'),
  mapped(step, 'a job or a step; its name in small letters with hyphens'),
  mapped(
    `${step}.type`,
    '`parallel`; a `command` is not run: what others read of it must be given',
  ),
  mapped(`${step}.display_name`, '`description` if there is none'),
  mapped(`${step}.description`, '`description`'),
  mapped(`${step}.tags`, '`tags`'),
  met(`${step}.name`, "the step's name is its key"),
  mapped(`${step}.compute`, '`compute`: `azureml:NAME` is the pool NAME; `local` is every machine'),
  met(`${step}.inputs`, 'a map'),
  ...inputFields(`${step}.inputs`),
  met(`${step}.outputs`, 'a map'),
  ...outputFields(`${step}.outputs`),
  mapped(
    `${step}.input_data`,
    'which of the inputs is split: `inputs`; the others are `side_inputs`',
  ),
  mapped(`${step}.mini_batch_size`, '`mini_batch_size`'),
  mapped(`${step}.partition_keys`, '`partition_keys`'),
  mapped(`${step}.error_threshold`, '`error_threshold`: failed items'),
  mapped(`${step}.mini_batch_error_threshold`, '`mini_batch_error_threshold`'),
  mapped(`${step}.logging_level`, '`logging_level`'),
  mapped(`${step}.max_concurrency_per_instance`, '`max_concurrency_per_instance`'),
  met(`${step}.resources`, 'a map'),
  mapped(
    `${step}.resources.instance_count`,
    '`resources.instance_count`; all machines if left out',
  ),
  warned(`${step}.resources.instance_type`, noPropagation),
  warned(`${step}.resources.docker_args`, noImage),
  warned(`${step}.resources.shm_size`, noImage),
  warned(`${step}.resources.properties`, noPropagation),
  met(`${step}.retry_settings`, 'a map'),
  mapped(`${step}.retry_settings.max_retries`, '`retry_settings.max_retries`'),
  mapped(`${step}.retry_settings.timeout`, '`retry_settings.timeout`'),
  mapped(`${step}.environment_variables`, '`environment_variables`'),
  mapped(`${step}.is_deterministic`, '`allow_reuse`'),
  warned(`${step}.identity`, noIdentity),
  warned(`${step}.properties`, 'use tags'),
  warned(
    `${step}.distribution`,
    'mini-batches are given out one by one: no process waits for others',
  ),
  warned(`${step}.services`, 'nothing but the script runs on a machine'),
  warned(`${step}.queue_settings`, noPropagation),
  mapped(
    `${step}.component`,
    'a component file (`./score.yml`, `file:./score.yml`), whose fields stand in for those the step leaves out; `azureml:` is refused',
  ),
  refused(`${step}.trial`, 'only parallel steps are run'),
  met(`${step}.task`, 'a map'),
  mapped(`${step}.task.type`, '`run_function`, or its older name `function`'),
  mapped(`${step}.task.code`, '`source_directory`'),
  mapped(
    `${step}.task.entry_script`,
    '`entry_script` in `code`; for a `.py` script the `.ts` or `.js` script of the same name beside it',
  ),
  ...environment(`${step}.task.environment`),
  mapped(
    `${step}.task.program_arguments`,
    '`arguments`, without the flags below; a name of data stands for its path',
  ),
  mapped(`${step}.task.args`, 'the older name of `program_arguments`'),
  mapped(`${step}.task.append_row_to`, '`output_action: append_row`; left out: `summary_only`'),
  refused(`${step}.task.model`, 'name the model as an input'),
]

/** Flags of the runtime inside `program_arguments`: they are taken out, and never reach the script. */
export const azureFlags: Readonly<Record<string, AzureFate>> = {
  error_threshold: { kind: 'mapped', to: '`error_threshold`' },
  allowed_failed_percent: { kind: 'mapped', to: '`allowed_failed_percent`' },
  task_overhead_timeout: { kind: 'mapped', to: '`task_overhead_timeout`' },
  progress_update_timeout: { kind: 'mapped', to: '`progress_update_timeout`' },
  first_task_creation_timeout: { kind: 'mapped', to: '`first_task_creation_timeout`' },
  append_row_dataframe_header: { kind: 'mapped', to: '`append_row_header`' },
  copy_logs_to_parent: { kind: 'warned', why: 'all steps of a run keep their logs in one place' },
  push_metrics_to_parent: { kind: 'warned', why: 'progress is told of the whole run as it is' },
  metrics_name_prefix: { kind: 'warned', why: 'there are no metrics with names of their own' },
  resource_monitor_interval: { kind: 'warned', why: 'machines tell their load once a second' },
  profiling_module: { kind: 'warned', why: 'there is no Python to profile' },
  rank_mini_batch_count: {
    kind: 'refused',
    instead: 'a mini-batch has at least one item: give an input',
  },
}

/** The fields of one kind of file, by their places. */
export interface AzureTable {
  /** The entry for a place in a file, if there is one. */
  readonly at: (path: readonly (string | number)[]) => AzureField | undefined
  /** Names that may stand below a place; empty where people choose names, or nothing is known below. */
  readonly below: (path: readonly (string | number)[]) => readonly string[]
}

export const createTable = (fields: readonly AzureField[]): AzureTable => {
  const byShape: ReadonlyMap<number, readonly AzureField[]> = Map.groupBy(
    fields,
    (field) => field.path.split('.').length,
  )
  return {
    at: (path) =>
      byShape.get(path.length)?.find((field) => {
        const names = field.path.split('.')
        return names.every((name, i) => name === '*' || name === String(path[i]))
      }),
    below: (path) =>
      (byShape.get(path.length + 1) ?? [])
        .map((field) => field.path.split('.'))
        .filter((names) => path.every((name, i) => names[i] === '*' || names[i] === String(name)))
        .map((names) => names.at(-1) ?? ''),
  }
}

/** Pipelines and parallel jobs. */
export const azureTable: AzureTable = createTable(azureFields)
