import { z } from 'zod'
import { limits } from '../../limits.ts'
import { tensorTypes } from '../../model/processing.ts'
import type { Job, JobSpec } from '../../model/job.ts'
import type { ModelFile } from '../../model/model.ts'
import { blobHash, count, jobId, millis, name, peerId } from '../fields.ts'
import { jobRun, onlyItems, reuseSettings } from './pipelines.ts'

/** Schemas of what records say of jobs. */

export const text = z.string().max(16_384)
export const tags = z.record(z.string().max(256), z.string().max(1_024))

export const modelFile: z.ZodType<ModelFile> = z.object({
  path: z.string().min(1).max(1_024),
  blob: blobHash,
  bytes: count,
})

const imagePreprocess = z.object({
  decode: z.literal('image'),
  width: z.int().min(1),
  height: z.int().min(1),
  fit: z.enum(['stretch', 'cover', 'contain']),
  channels: z.enum(['gray', 'rgb', 'bgr']),
  layout: z.enum(['NCHW', 'NHWC']),
  dtype: z.enum(['float32', 'uint8']),
  scale: z.number(),
  mean: z.array(z.number()).max(4),
  std: z.array(z.number()).max(4),
  input: z.string().max(1_024).exactOptional(),
})
const tensorPreprocess = z.object({
  decode: z.literal('tensor'),
  shape: z.array(z.int().min(1)).max(16),
  dtype: z.enum(tensorTypes),
  scale: z.number(),
  mean: z.number(),
  std: z.number(),
  input: z.string().max(1_024).exactOptional(),
})
const columnNumbers = z.array(z.number()).max(limits.tableColumns)
const columnsPreprocess = z.object({
  decode: z.literal('columns'),
  inputs: z
    .array(
      z.object({
        input: z.string().max(1_024).exactOptional(),
        columns: z.array(z.string().max(limits.columnNameLength)).max(limits.tableColumns),
        dtype: z.enum([...tensorTypes, 'string']),
        mean: columnNumbers,
        std: columnNumbers,
        missing: z.number().exactOptional(),
      }),
    )
    .min(1)
    .max(limits.modelValues),
})
const preprocess = z.discriminatedUnion('decode', [
  imagePreprocess,
  tensorPreprocess,
  columnsPreprocess,
])
const postprocess = z.object({
  kind: z.enum(['argmax', 'softmax', 'top-k', 'threshold', 'embedding', 'raw']),
  softmax: z.boolean(),
  k: z.int().min(1),
  labels: z.array(z.string().max(1_024)).max(100_000),
  output: z.string().max(1_024).exactOptional(),
  threshold: z.number().exactOptional(),
  sigmoid: z.boolean().exactOptional(),
  normalize: z.boolean().exactOptional(),
})
const modelReference = z.object({
  name,
  version: z.int().min(1),
  files: z.array(modelFile).min(1).max(1_024),
})
const place = {
  name,
  root: z.string().max(limits.itemNameBytes),
  patterns: z.array(z.string().max(limits.itemNameBytes)).min(1).max(1_024),
  mode: z.enum(['download', 'direct']).exactOptional(),
  share: z.object({ name, path: z.string().max(limits.itemNameBytes) }).exactOptional(),
}
const fileInput = z.object({
  ...place,
  kind: z.literal('files'),
  partitionFormat: z.string().max(limits.itemNameBytes).exactOptional(),
})
const tableInput = z.object({
  ...place,
  kind: z.literal('table'),
  format: z.enum(['delimited', 'json-lines', 'parquet']),
  delimiter: z.string().length(1),
  header: z.boolean(),
})
const sideFiles = { files: z.array(modelFile).max(limits.sideInputFiles) }
const miniBatchSize = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('items'), items: z.int().min(1).max(limits.miniBatchItems) }),
  z.object({ kind: z.literal('bytes'), bytes: z.int().min(1).max(limits.tableBatchBytes) }),
  z.object({ kind: z.literal('auto') }),
])
const limitMs = z.number().positive().max(limits.longestRunLimitMs)
const common = {
  name,
  description: text,
  tags,
  inputs: z
    .array(z.discriminatedUnion('kind', [fileInput, tableInput]))
    .min(1)
    .max(limits.inputs)
    .refine((all) => new Set(all.map((one) => one.kind)).size === 1, 'inputs of several kinds'),
  sideInputs: z
    .array(
      z.discriminatedUnion('kind', [fileInput.extend(sideFiles), tableInput.extend(sideFiles)]),
    )
    .max(limits.inputs),
  miniBatchSize,
  partitionKeys: z.array(z.string().min(1).max(limits.columnNameLength)).max(limits.partitionKeys),
  errorThreshold: z.int().min(-1),
  miniBatchErrorThreshold: z.int().min(-1),
  allowedFailedPercent: z.number().min(0).max(100).exactOptional(),
  priority: z.int().exactOptional(),
  weight: z.number().positive().exactOptional(),
  pool: name.exactOptional(),
  runLimitMs: limitMs,
  loadLimitMs: limitMs.exactOptional(),
  progressLimitMs: limitMs.exactOptional(),
  firstPlanLimitMs: limitMs.exactOptional(),
  maxAttempts: z.int().min(1),
  processesPerPeer: z.int().min(1).exactOptional(),
  peerCount: z.int().min(1).exactOptional(),
  outputAction: z.enum(['append_row', 'summary_only']),
  outputFileName: z.string().min(1).max(255),
  outputDelimiter: z.string().length(1).exactOptional(),
  outputHeader: z.boolean().exactOptional(),
  outputPlace: z
    .object({ path: z.string().min(1).max(limits.itemNameBytes), overwrite: z.boolean() })
    .exactOptional(),
  visibility: z.enum(['members', 'keeper']).exactOptional(),
  loggingLevel: z.enum(['DEBUG', 'INFO', 'WARNING']),
  device: z.string().max(64),
  inPlace: z.boolean(),
}
const onnxSpec = z.object({
  ...common,
  runtime: z.literal('onnx'),
  model: modelReference,
  preprocess,
  postprocess: z.array(postprocess).min(1).max(limits.modelValues),
})
const nodeSpec = z.object({
  ...common,
  runtime: z.literal('node'),
  script: z.object({
    entry: z.string().min(1).max(1_024),
    files: z.array(modelFile).min(1).max(limits.scriptFiles),
  }),
  arguments: z.array(z.string().max(limits.argumentLength)).max(limits.scriptArguments),
  environment: z.record(
    z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
      .max(256),
    z.string().max(limits.argumentLength),
  ),
  model: modelReference.exactOptional(),
  models: z
    .array(modelReference.extend({ alias: name }))
    .min(1)
    .max(limits.jobModels)
    .exactOptional(),
})
export const spec: z.ZodType<JobSpec> = z.discriminatedUnion('runtime', [onnxSpec, nodeSpec])
export const job: z.ZodType<Job> = z.object({
  id: jobId,
  spec,
  submitter: peerId,
  dataPeer: peerId,
  keeper: peerId,
  submittedAt: millis,
  run: jobRun.exactOptional(),
  reuse: reuseSettings.exactOptional(),
  only: onlyItems.exactOptional(),
})
