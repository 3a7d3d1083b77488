import type { FileInput, JobInput, TableInput } from '../model/input.ts'
import type { ColumnsInput, Preprocess, Postprocess } from '../model/processing.ts'
import type { JobSpec, MiniBatchSize } from '../model/job.ts'
import { formatSize } from './units.ts'

/** Fields of a job file as JSON, which is YAML too. */
export type FileFields = Readonly<Record<string, unknown>>

/**
 * A recorded spec as the job file that would give it again, with Azure's v1 names: what a resubmit starts
 * from. Folders are absolute, the model is named with its version. A script is named as its author knew
 * it; its bytes are in the bundle.
 */
export const specToFile = (spec: JobSpec): FileFields => ({
  name: spec.name,
  ...(spec.description === '' ? {} : { description: spec.description }),
  ...(Object.keys(spec.tags).length === 0 ? {} : { tags: spec.tags }),
  runtime: spec.runtime,
  ...(spec.model === undefined
    ? {}
    : { model: { name: spec.model.name, version: spec.model.version } }),
  inputs: inputsToFile(spec.inputs),
  ...(spec.sideInputs.length === 0 ? {} : { side_inputs: inputsToFile(spec.sideInputs) }),
  mini_batch_size: sizeToFile(spec.miniBatchSize),
  ...(spec.partitionKeys.length === 0 ? {} : { partition_keys: spec.partitionKeys }),
  error_threshold: spec.errorThreshold,
  mini_batch_error_threshold: spec.miniBatchErrorThreshold,
  ...(spec.allowedFailedPercent === undefined
    ? {}
    : { allowed_failed_percent: spec.allowedFailedPercent }),
  ...(spec.priority === undefined ? {} : { priority: spec.priority }),
  ...(spec.weight === undefined ? {} : { weight: spec.weight }),
  ...(spec.pool === undefined ? {} : { compute: spec.pool }),
  run_invocation_timeout: spec.runLimitMs / 1_000,
  ...limitsToFile(spec),
  run_max_try: spec.maxAttempts,
  ...(spec.processesPerPeer === undefined ? {} : { process_count_per_node: spec.processesPerPeer }),
  ...(spec.peerCount === undefined ? {} : { node_count: spec.peerCount }),
  output_action: spec.outputAction,
  ...outputToFile(spec),
  logging_level: spec.loggingLevel,
  device: spec.device,
  in_place: spec.inPlace,
  ...whatRuns(spec),
})

const limitsToFile = ({ loadLimitMs, progressLimitMs, firstPlanLimitMs }: JobSpec): FileFields => ({
  ...(loadLimitMs === undefined ? {} : { task_overhead_timeout: loadLimitMs / 1_000 }),
  ...(progressLimitMs === undefined ? {} : { progress_update_timeout: progressLimitMs / 1_000 }),
  ...(firstPlanLimitMs === undefined
    ? {}
    : { first_task_creation_timeout: firstPlanLimitMs / 1_000 }),
})

const inputsToFile = (inputs: readonly JobInput[]): FileFields =>
  Object.fromEntries(inputs.map((input) => [input.name, inputToFile(input)]))

const inputToFile = (input: JobInput): FileFields => ({
  ...(input.share === undefined
    ? { path: input.root }
    : { path: input.share.path === '' ? '.' : input.share.path, share: input.share.name }),
  patterns: input.patterns,
  ...(input.mode === undefined ? {} : { mode: input.mode }),
  ...(input.kind === 'table' ? tableToFile(input) : partitionToFile(input)),
})

const tableToFile = ({ format, delimiter, header }: TableInput): FileFields => ({
  type: 'table',
  format,
  ...(format === 'delimited' ? { delimiter, header } : {}),
})

const partitionToFile = ({ partitionFormat }: FileInput): FileFields =>
  partitionFormat === undefined ? {} : { partition_format: partitionFormat }

const sizeToFile = (size: MiniBatchSize): string | number => {
  switch (size.kind) {
    case 'items':
      return size.items
    case 'bytes':
      return formatSize(size.bytes)
    default:
      return size.kind
  }
}

const outputToFile = (spec: JobSpec): FileFields => ({
  ...(spec.outputAction === 'append_row' ? { append_row_file_name: spec.outputFileName } : {}),
  ...(spec.outputDelimiter === undefined ? {} : { append_row_delimiter: spec.outputDelimiter }),
  ...(spec.outputHeader === undefined ? {} : { append_row_header: spec.outputHeader }),
  ...(spec.outputPlace === undefined ? {} : { output: spec.outputPlace }),
  ...(spec.visibility === undefined ? {} : { visibility: spec.visibility }),
})

const whatRuns = (spec: JobSpec): FileFields =>
  spec.runtime === 'onnx'
    ? {
        preprocess: preprocessToFile(spec.preprocess),
        postprocess: postprocessToFile(spec.postprocess),
      }
    : {
        entry_script: spec.script.entry,
        ...(spec.models === undefined
          ? {}
          : {
              models: Object.fromEntries(
                spec.models.map(({ alias, name, version }) => [alias, { name, version }]),
              ),
            }),
        ...(spec.arguments.length === 0 ? {} : { arguments: spec.arguments }),
        ...(Object.keys(spec.environment).length === 0
          ? {}
          : { environment_variables: spec.environment }),
      }

const preprocessToFile = (preprocess: Preprocess): FileFields => {
  if (preprocess.decode !== 'columns') return { ...preprocess }
  const inputs = preprocess.inputs.map(columnsToFile)
  const [first] = inputs
  return inputs.length === 1 ? { decode: 'columns', ...first } : { decode: 'columns', inputs }
}

const columnsToFile = ({ columns, ...rest }: ColumnsInput): FileFields =>
  columns.length === 0 ? rest : { ...rest, columns }

const postprocessToFile = (postprocess: readonly Postprocess[]): FileFields | FileFields[] => {
  const files = postprocess.map(({ k, ...rest }) => (rest.kind === 'top-k' ? { ...rest, k } : rest))
  const [first] = files
  return files.length === 1 && first !== undefined ? first : files
}
