import { z } from 'zod'
import { limits } from '../../limits.ts'
import { chargeCauses } from '../../model/attempt.ts'
import type { Halving, MiniBatchRange } from '../../model/half.ts'
import type { Model, ModelDescription } from '../../model/model.ts'
import type { MiniBatchRun } from '../../model/plan.ts'
import type { Dataset, Datastore } from '../../model/registry.ts'
import type { PoolRule } from '../../model/pool.ts'
import type { Charge, RecordBody, RecordKind } from '../../model/record.ts'
import { decodeCbor, encodeCbor } from '../codec.ts'
import {
  attemptRun,
  blobHash,
  capabilities,
  count,
  jobId,
  millis,
  name,
  peerId,
  roleList,
  sentence,
  term,
} from '../fields.ts'
import { commitGroups, commitGroupToWire } from './commit-groups.ts'
import { job, modelFile, spec, tags, text } from './jobs.ts'
import { pipelineBodies } from './pipelines.ts'

/** Schemas of record bodies. A body's bytes are what is hashed, so they are never encoded again. */

const tensors = z
  .array(
    z.object({
      name: z.string().max(1_024),
      type: z.string().max(64),
      shape: z.array(z.union([z.int(), z.string().max(256)])).max(32),
    }),
  )
  .max(1_024)
const facts: z.ZodType<ModelDescription> = z.object({
  inputs: tensors,
  outputs: tensors,
  opset: count,
  producer: z.string().max(256),
  parameters: count,
  bytes: count,
})
const model: z.ZodType<Model> = z.object({
  name,
  version: z.int().min(1),
  files: z.array(modelFile).min(1).max(1_024),
  description: text,
  tags,
  facts,
  registeredBy: peerId,
  registeredAt: millis,
})

const placePath = z.string().max(limits.itemNameBytes)
const folderPlace = z.object({ kind: z.literal('folder'), peer: peerId, path: placePath })
const sharePlace = z.object({ kind: z.literal('share'), share: name, path: placePath })
const registered = {
  name,
  version: z.int().min(1),
  description: text,
  tags,
  registeredBy: peerId,
  registeredAt: millis,
}
const datastore: z.ZodType<Datastore> = z.object({
  ...registered,
  place: z.discriminatedUnion('kind', [folderPlace, sharePlace]),
})
const dataset: z.ZodType<Dataset> = z.object({
  ...registered,
  type: z.enum(['file', 'table']),
  source: z.discriminatedUnion('kind', [
    folderPlace,
    sharePlace,
    z.object({ kind: z.literal('datastore'), datastore: name, path: placePath }),
  ]),
  patterns: z.array(placePath).min(1).max(1_024),
  options: z.record(
    z.string().max(64),
    z.union([z.string().max(limits.itemNameBytes), z.number(), z.boolean()]),
  ),
})

const runs: z.ZodType<readonly MiniBatchRun[]> = z
  .array(z.object({ count: z.int().min(1), items: z.int().min(1) }))
  .max(limits.planChunkItems)
const charge: z.ZodType<Charge> = z.object({
  miniBatch: count,
  attempt: z.int().min(1),
  peer: peerId,
  cause: z.enum(chargeCauses),
  message: sentence,
  final: z.boolean(),
  ran: attemptRun.exactOptional(),
})

const range: z.ZodType<MiniBatchRange> = z.object({
  miniBatch: count,
  firstItem: count,
  items: z.int().min(1),
})
const halving: z.ZodType<Halving> = z.object({
  parent: count,
  halves: z.array(range).length(2),
})
const pool: z.ZodType<PoolRule> = z.object({
  name,
  description: text,
  minPeers: count,
  maxPeers: z.int().min(1).nullable(),
  filter: z.object({
    names: z.array(name).max(limits.members),
    tags: z.array(z.string().min(1).max(64)).max(64),
    gpu: z.boolean(),
    memoryBytes: count,
  }),
  createdAt: millis,
})

const hex = (bytes: number) => z.string().length(2 * bytes)

const bodies = {
  'cluster-created': z.object({
    kind: z.literal('cluster-created'),
    name,
    creator: peerId,
    creatorName: name,
    at: millis,
    nonce: hex(16),
    recoveryKey: hex(32),
  }),
  'member-added': z.object({
    kind: z.literal('member-added'),
    peer: peerId,
    name,
    roles: roleList,
    clock: count,
    at: millis,
  }),
  'member-removed': z.object({
    kind: z.literal('member-removed'),
    peer: peerId,
    lastSequence: z.int().min(-1),
    lastHash: z.string().max(64),
    clock: count,
    at: millis,
  }),
  'roles-changed': z.object({
    kind: z.literal('roles-changed'),
    peer: peerId,
    roles: roleList,
    clock: count,
    at: millis,
  }),
  'term-taken': z.object({ kind: z.literal('term-taken'), term, at: millis }),
  'peer-described': z.object({ kind: z.literal('peer-described'), capabilities, at: millis }),
  'model-registered': z.object({ kind: z.literal('model-registered'), model }),
  'datastore-registered': z.object({ kind: z.literal('datastore-registered'), datastore }),
  'datastore-removed': z.object({
    kind: z.literal('datastore-removed'),
    name,
    version: z.int().min(1),
    at: millis,
  }),
  'dataset-registered': z.object({ kind: z.literal('dataset-registered'), dataset }),
  'job-submitted': z.object({ kind: z.literal('job-submitted'), job }),
  'plan-chunk-written': z.object({
    kind: z.literal('plan-chunk-written'),
    job: jobId,
    chunk: count,
    blob: blobHash,
    firstItem: count,
    items: count,
    firstMiniBatch: count,
    miniBatches: count,
    runs,
    last: z.boolean(),
    taken: z.object({ from: jobId, miniBatches: z.int().min(1) }).exactOptional(),
    reuse: sentence.exactOptional(),
  }),
  'plan-failed': z.object({
    kind: z.literal('plan-failed'),
    job: jobId,
    message: sentence,
    at: millis,
  }),
  committed: z.object({
    kind: z.literal('committed'),
    job: jobId,
    term,
    groups: commitGroups,
    at: millis,
  }),
  charged: z.object({
    kind: z.literal('charged'),
    job: jobId,
    term,
    charges: z.array(charge).max(limits.commitsPerRecord),
    at: millis,
  }),
  'mini-batches-halved': z.object({
    kind: z.literal('mini-batches-halved'),
    job: jobId,
    term,
    halvings: z.array(halving).max(limits.commitsPerRecord),
    at: millis,
  }),
  'job-pause-changed': z.object({
    kind: z.literal('job-pause-changed'),
    job: jobId,
    paused: z.boolean(),
    clock: count,
    at: millis,
  }),
  'pool-set': z.object({ kind: z.literal('pool-set'), pool, clock: count, at: millis }),
  'pool-removed': z.object({ kind: z.literal('pool-removed'), name, clock: count, at: millis }),
  'job-cancel-requested': z.object({
    kind: z.literal('job-cancel-requested'),
    job: jobId,
    at: millis,
  }),
  'job-closed': z.object({
    kind: z.literal('job-closed'),
    job: jobId,
    term,
    outcome: z.enum(['finished', 'aborted', 'canceled']),
    reason: sentence,
    at: millis,
  }),
  'job-sealed': z.object({
    kind: z.literal('job-sealed'),
    job: jobId,
    state: z.enum(['Completed', 'Failed', 'Canceled']),
    headline: sentence,
    mapHash: hex(32),
    miniBatches: count,
    rows: count,
    succeeded: count,
    failed: count,
    output: z.string().max(limits.itemNameBytes),
    outputFiles: z
      .object({ folder: z.string().max(limits.itemNameBytes), count, bytes: count })
      .exactOptional(),
    upTo: z
      .array(z.object({ origin: peerId, incarnation: count, sequence: z.int().min(-1) }))
      .max(4 * limits.members)
      .exactOptional(),
    at: millis,
  }),
  'job-forgotten': z.object({
    kind: z.literal('job-forgotten'),
    job: jobId,
    state: z.enum(['Completed', 'Failed', 'Canceled']),
    endedAt: millis,
    sums: z.object({
      items: count,
      itemsSucceeded: count,
      itemsFailed: count,
      miniBatches: count,
      committed: count,
      failedMiniBatches: count,
    }),
    at: millis,
  }),
  ...pipelineBodies(spec),
} satisfies { readonly [Kind in RecordKind]: z.ZodType<Extract<RecordBody, { kind: Kind }>> }

/** Bytes of a body: canonical, hence hashable. */
export const encodeRecordBody = (body: RecordBody): Uint8Array =>
  encodeCbor(
    body.kind === 'committed' ? { ...body, groups: body.groups.map(commitGroupToWire) } : body,
  )

/**
 * Reads a body. An unknown kind gives undefined, which is not an error: a newer agent wrote it.
 * @throws MusterFailure `MessageInvalid` for a known kind whose body does not fit.
 */
export const decodeRecordBody = (kind: string, bytes: Uint8Array): RecordBody | undefined => {
  if (!isKnownKind(kind)) return undefined
  const body: RecordBody = decodeCbor<RecordBody>(bytes, bodies[kind], `record ${kind}`)
  return body
}

const isKnownKind = (kind: string): kind is RecordKind => Object.hasOwn(bodies, kind)
