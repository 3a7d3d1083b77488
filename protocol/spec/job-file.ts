import { z } from 'zod'
import { limits } from '../limits.ts'
import { anyCase, decimal, flag, looseText, text, whole, word } from './fields.ts'
import { inputsSchema, miniBatchSizeSchema, partitionKeysSchema } from './inputs.ts'
import { postprocessSchema, preprocessSchema } from './processing.ts'
import {
  allowReuseField,
  experimentField,
  nameField,
  parametersField,
  regenerateField,
  scheduleField,
} from './run-fields.ts'

/**
 * What a person writes to describe a job: Azure ML's names of the SDK v1, and those of v2 where they
 * differ. This schema is the source of the checks, of the types and of `docs/schemas/job.schema.json`.
 */

/** What stands for a field that was left out. */
export const jobDefaults = {
  miniBatchItems: 10,
  /** Azure's 1 MB. */
  miniBatchBytes: 1_048_576,
  delimiter: ',',
  errorThreshold: -1,
  miniBatchErrorThreshold: -1,
  allowedFailedPercent: 100,
  priority: 0,
  weight: 1,
  outputFileName: 'parallel_run_step.txt',
  pattern: '**/*',
} as const

const forbiddenInFileName = '~"#%&*:<>?/\\{|}'
const fileName = `a file name of at most 255 characters without control characters and any of ${forbiddenInFileName}`
const threshold = 'a whole number from 0 to 2147483647, or -1 for any number of failures'
const longestSeconds = limits.longestRunLimitMs / 1000
const seconds = `a number of seconds above 0 and up to ${longestSeconds}`
const path = 'a path of 1 to 4096 characters'
const countFrom1 = 'a whole number from 1'
const processes = 'a whole number from 1 to 1024'
const machines = `a whole number from 1 to ${limits.members}`
const most = 2_147_483_647

/** What must stand in these fields, for the sentences about files that lack them. */
export const allowedModel = "a registered model's name, name:version, or the path of an .onnx file"

const model = z.union(
  [
    text(
      "a registered model's name, name:version, or the path of an .onnx file",
      limits.itemNameBytes,
    ),
    z.strictObject({ path: text(path, limits.itemNameBytes).describe('Path of an .onnx file') }),
    z.strictObject({
      name: text('the name of a registered model', limits.memberNameLength),
      version: whole(countFrom1, { min: 1, max: most }).optional().describe('Default: the newest'),
    }),
  ],
  allowedModel,
)

/** What `models` may be, for the sentences about them. */
const allowedModels = `a map from names to models, or a list of models, at most ${limits.jobModels}`

const models = z.union(
  [
    z.record(
      text('a name of at most 64 characters', limits.memberNameLength),
      model,
      allowedModels,
    ),
    z.array(model, allowedModels).min(1, allowedModels).max(limits.jobModels, allowedModels),
  ],
  allowedModels,
)

const delimiter = 'one character, neither a quotation mark nor a line break'
const output = z.union(
  [
    text(path, limits.itemNameBytes),
    z.strictObject({
      path: text(path, limits.itemNameBytes).describe(
        "Folder on this machine, relative to the job file's folder",
      ),
      overwrite: flag()
        .optional()
        .describe('Whether the output of an earlier run is replaced. Default: false'),
    }),
  ],
  "a folder's path, or a map with path and overwrite",
)

const variableName = 'a name of letters, digits and _ that does not begin with a digit'
const argumentList = `a text, or a list of at most ${limits.scriptArguments} texts and numbers`
const scriptArguments = z.union(
  [
    text(argumentList, limits.argumentLength, 0),
    z
      .array(looseText(argumentList, limits.argumentLength), argumentList)
      .max(limits.scriptArguments, argumentList),
  ],
  argumentList,
)

const limit = (what: string): z.ZodOptional<z.ZodType<number, number | string>> =>
  decimal(seconds, { above: 0, max: longestSeconds }).optional().describe(what)

export const jobFileSchema = z
  .strictObject(
    {
      $schema: z.string('text').optional().describe('For editors; ignored'),
      name: nameField('job'),
      description: looseText('text of at most 16384 characters', 16_384)
        .optional()
        .describe('What the job is for, in your own words'),
      tags: z
        .record(
          text('a name of at most 256 characters', 256),
          looseText('text of at most 1024 characters', 1_024),
          'a map from names to texts',
        )
        .optional()
        .describe('Names and texts of your own'),
      runtime: word(['onnx', 'node'])
        .optional()
        .describe('What runs the mini-batches. Default: node with entry_script, else onnx'),
      entry_script: text(path, limits.itemNameBytes)
        .optional()
        .describe('Your script (.ts or .js) with run(miniBatch, context); docs/scripts.md'),
      source_directory: text(path, limits.itemNameBytes)
        .optional()
        .describe('Folder whose files travel with the script, minus those in .musterignore'),
      arguments: scriptArguments
        .optional()
        .describe('Arguments of the script: a list, or one text as in a shell'),
      environment_variables: z
        .record(
          text(variableName, 256).regex(/^[A-Za-z_][A-Za-z0-9_]*$/, variableName),
          looseText(`text of at most ${limits.argumentLength} characters`, limits.argumentLength),
          'a map from names to texts',
        )
        .optional()
        .describe("The script's environment; nothing else stands in it"),
      model: model
        .optional()
        .describe('A registered model (name or name:version), or the path of an .onnx file'),
      models: models
        .optional()
        .describe(
          'Several models of one script: a map from the names it asks for to models, or a list',
        ),
      inputs: inputsSchema.describe(
        'What is split: one or more inputs of one kind, each a name and a folder',
      ),
      side_inputs: inputsSchema
        .optional()
        .describe('Datasets that are not split: each worker has them whole, a script asks by name'),
      mini_batch_size: miniBatchSizeSchema
        .optional()
        .describe(
          `Files in one mini-batch (default: ${jobDefaults.miniBatchItems}), or bytes of a table (default: 1MB)`,
        ),
      partition_keys: partitionKeysSchema
        .optional()
        .describe(
          'Columns, or fields of partition_format: each combination of values is one mini-batch, whatever the mini_batch_size',
        ),
      error_threshold: whole(threshold, { min: -1, max: most })
        .optional()
        .describe(
          'Failed files that are tolerated; one more ends the job. Default: -1, any number',
        ),
      mini_batch_error_threshold: whole(threshold, { min: -1, max: most })
        .optional()
        .describe('Failed mini-batches that are tolerated. Default: -1, any number'),
      allowed_failed_count: whole(threshold, { min: -1, max: most })
        .optional()
        .describe("Azure v1's name of mini_batch_error_threshold"),
      allowed_failed_percent: decimal('a number from 0 to 100', { min: 0, max: 100 })
        .optional()
        .describe(
          `Failed mini-batches that are tolerated, in percent of all. Default: ${jobDefaults.allowedFailedPercent}`,
        ),
      priority: whole('a whole number from -1000 to 1000', { min: -1_000, max: 1_000 })
        .optional()
        .describe(
          `Jobs with a higher number go first wherever they can run. Default: ${jobDefaults.priority}`,
        ),
      weight: decimal('a number from 0.01 to 1000', { min: 0.01, max: 1_000 })
        .optional()
        .describe(
          `Share of the worker processes beside jobs of the same priority. Default: ${jobDefaults.weight}`,
        ),
      compute: text('the name of a pool', limits.memberNameLength)
        .optional()
        .describe('The pool whose machines work on it. Default: all machines of the cluster'),
      run_invocation_timeout: decimal(seconds, { above: 0, max: longestSeconds })
        .optional()
        .describe('Seconds one mini-batch may run. Default: 60'),
      run_max_try: whole('a whole number of tries from 1 to 1000', { min: 1, max: 1_000 })
        .optional()
        .describe('Tries of a mini-batch in all. Default: 3'),
      retry_settings: z
        .strictObject(
          {
            max_retries: whole('a whole number of retries from 0 to 999', { min: 0, max: 999 })
              .optional()
              .describe('Tries after the first one: run_max_try - 1'),
            timeout: decimal(seconds, { above: 0, max: longestSeconds })
              .optional()
              .describe("Azure v2's name of run_invocation_timeout"),
          },
          'a map with max_retries or timeout',
        )
        .optional(),
      progress_update_timeout: limit(
        'Seconds in which machines at work end no mini-batch of the job before it is given up. Default: none',
      ),
      first_task_creation_timeout: limit(
        'Seconds for listing the input up to its first mini-batch. Default: none',
      ),
      task_overhead_timeout: limit(
        'Seconds for loading one mini-batch; a longer one is charged. Default: none',
      ),
      output_action: anyCase(['append_row', 'summary_only'])
        .optional()
        .describe('Whether rows are joined into one file. Default: append_row'),
      append_row_file_name: text(fileName, 255)
        // Letters outside the list, no control characters, and no name that means a folder.
        .regex(/^[^~"#%&*:<>?/\\{|}\p{Cc}]+$/u, fileName)
        .regex(/^(?!\.{1,2}$)/, fileName)
        .optional()
        .describe(
          `Output file: .csv, .tsv, .jsonl, .parquet, or one line an element. Default: ${jobDefaults.outputFileName}`,
        ),
      append_row_delimiter: text(delimiter, 1)
        .regex(/^[^"\r\n]$/, delimiter)
        .optional()
        .describe(
          'What stands between the fields of a row; makes columns of a text file too. Default: , in .csv, a tab in .tsv',
        ),
      append_row_header: flag()
        .optional()
        .describe('Whether the names of the columns come first. Default: true in .csv and .tsv'),
      output: output
        .optional()
        .describe("Folder for the output of every run. Default: a folder of each run's own"),
      visibility: word(['members', 'keeper'])
        .optional()
        .describe(
          'Who may keep the rows: all members, or only the machine that collects them and the one that submitted. Default: members',
        ),
      process_count_per_node: whole(processes, { min: 1, max: 1_024 })
        .optional()
        .describe("Worker processes a machine. Default: by its owner's limits"),
      max_concurrency_per_instance: whole(processes, { min: 1, max: 1_024 })
        .optional()
        .describe("Azure v2's name of process_count_per_node"),
      node_count: whole(machines, { min: 1, max: limits.members })
        .optional()
        .describe('Machines to use. Default: all of the pool'),
      resources: z
        .strictObject(
          {
            instance_count: whole(machines, { min: 1, max: limits.members })
              .optional()
              .describe("Azure v2's name of node_count"),
          },
          'a map with instance_count',
        )
        .optional(),
      logging_level: anyCase(['DEBUG', 'INFO', 'WARNING']).optional().describe('Default: INFO'),
      device: word(['auto', 'cpu', 'gpu', 'cuda', 'tensorrt', 'dml', 'coreml', 'webgpu'])
        .optional()
        .describe('What computes: auto measures, gpu takes the first that works. Default: auto'),
      preprocess: preprocessSchema.optional().describe("How a file becomes the model's input"),
      postprocess: postprocessSchema
        .optional()
        .describe("How the model's output becomes a row. Default: raw"),
      experiment: experimentField(),
      parameters: parametersField(),
      allow_reuse: allowReuseField(),
      regenerate_outputs: regenerateField(),
      schedule: scheduleField(),
      in_place: flag()
        .optional()
        .describe('Whether machines that can open the files themselves may. Default: true'),
    },
    'a map of fields, such as name, model and inputs',
  )
  .describe('A Muster job file')

/** A job file as written, once it is checked: numbers are numbers, defaults are still open. */
export type JobFileFields = z.output<typeof jobFileSchema>

/** Two spellings of one setting: v1 first. `toFirst` turns a value of the second into one of the first. */
export interface Spellings {
  readonly first: readonly string[]
  readonly second: readonly string[]
  readonly toFirst: (value: number) => number
}

const same = (value: number): number => value

/** Settings that Azure named twice. */
export const spellings: readonly Spellings[] = [
  { first: ['mini_batch_error_threshold'], second: ['allowed_failed_count'], toFirst: same },
  { first: ['run_invocation_timeout'], second: ['retry_settings', 'timeout'], toFirst: same },
  {
    first: ['run_max_try'],
    second: ['retry_settings', 'max_retries'],
    toFirst: (retries) => retries + 1,
  },
  { first: ['process_count_per_node'], second: ['max_concurrency_per_instance'], toFirst: same },
  { first: ['node_count'], second: ['resources', 'instance_count'], toFirst: same },
]
