import { z } from 'zod'
import { limits } from '../limits.ts'
import type { AttemptRun } from '../model/attempt.ts'
import type {
  BlobHash,
  ClusterId,
  JobId,
  PeerId,
  PipelineId,
  RecordHash,
  ScheduleId,
} from '../model/ids.ts'
import type { Capabilities, Role } from '../model/member.ts'
import type { Partition } from '../model/plan.ts'
import type { Term } from '../model/term.ts'

/** Schemas of the fields that several messages share. Every text and list has a bound. */
const hex64 = /^[0-9a-f]{64}$/

export const peerId: z.ZodType<PeerId> = z
  .string()
  .regex(/^[1-9A-HJ-NP-Za-km-z]{40,80}$/)
  .transform((text) => text as PeerId)
export const clusterId: z.ZodType<ClusterId> = z
  .string()
  .regex(hex64)
  .transform((text) => text as ClusterId)
export const blobHash: z.ZodType<BlobHash> = z
  .string()
  .regex(hex64)
  .transform((text) => text as BlobHash)
export const previousHash: z.ZodType<RecordHash | ''> = z
  .string()
  .regex(/^([0-9a-f]{64})?$/)
  .transform((text) => text as RecordHash | '')
const timeOrdered = /^[0-9a-hjkmnp-tv-z]{26}$/
export const jobId: z.ZodType<JobId> = z
  .string()
  .regex(timeOrdered)
  .transform((text) => text as JobId)
export const pipelineId: z.ZodType<PipelineId> = z
  .string()
  .regex(timeOrdered)
  .transform((text) => text as PipelineId)
export const scheduleId: z.ZodType<ScheduleId> = z
  .string()
  .regex(timeOrdered)
  .transform((text) => text as ScheduleId)

export const count = z.int().min(0)
export const millis = z.number().min(0)
export const attemptRun: z.ZodType<AttemptRun> = z.object({
  startedAt: count,
  runMs: count,
  process: count,
})
export const sentence = z.string().max(limits.sentenceLength)
export const bytes = z.instanceof(Uint8Array)
export const name = z.string().min(1).max(limits.memberNameLength)

export const role: z.ZodType<Role> = z.enum(['admin', 'submit', 'work'])
export const roleList: z.ZodType<readonly Role[]> = z.array(role).max(3)
export const term: z.ZodType<Term> = z.object({ number: count, head: peerId })

export const capabilities: z.ZodType<Capabilities> = z.object({
  name,
  agentVersion: z.string().max(64),
  platform: z.string().max(64),
  cores: count,
  memoryBytes: count,
  slots: z.int().min(0).max(1_024),
  devices: z.array(z.string().max(64)).max(16),
  tags: z.array(z.string().min(1).max(64)).max(64).exactOptional(),
})

export const partition: z.ZodType<Partition> = z.record(
  z.string().max(limits.columnNameLength),
  z.union([z.string().max(limits.partitionValueLength), z.number(), z.boolean(), z.null()]),
)
