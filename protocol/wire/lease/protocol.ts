import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { AttemptOutcome, AttemptReport, Lease, ReturnReason } from '../../model/attempt.ts'
import { messageProtocol } from '../codec.ts'
import {
  blobHash,
  bytes,
  count,
  jobId,
  leaseToken,
  millis,
  peerId,
  sentence,
  term,
} from '../fields.ts'
import type { LeaseMessage } from './messages.ts'

const lease: z.ZodType<Lease> = z.object({
  token: leaseToken,
  job: jobId,
  miniBatch: count,
  attempt: z.int().min(1),
  firstItem: count,
  items: z.int().min(1),
})

const outcome: z.ZodType<AttemptOutcome> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('succeeded'),
    chunk: blobHash,
    position: count,
    succeeded: count,
    failed: count,
    rows: count,
    runMs: millis,
  }),
  z.object({
    kind: z.literal('failed'),
    cause: z.enum(['threw', 'timed-out', 'process-died']),
    message: sentence,
  }),
])

const report: z.ZodType<AttemptReport> = z.object({
  token: leaseToken,
  job: jobId,
  miniBatch: count,
  attempt: z.int().min(1),
  outcome,
})

const reason: z.ZodType<ReturnReason> = z.enum([
  'owner',
  'draining',
  'unknown-job',
  'input-unreachable',
  'model-unreachable',
  'init-failed',
  'revoked',
  'process-replaced',
])

/** A hello may carry all that a worker holds; a normal message one grant or one flush. */
const many = limits.leasesPerMessage
const leases = z.array(lease).max(many)
const reports = z.array(report).max(many)
const tokens = z.array(leaseToken).max(many)

const message: z.ZodType<LeaseMessage> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('worker-hello'), slots: count, held: leases, reports }),
  z.object({ kind: z.literal('leases-started'), tokens }),
  z.object({ kind: z.literal('attempts-finished'), reports }),
  z.object({ kind: z.literal('leases-returned'), tokens, reason, message: sentence }),
  z.object({
    kind: z.literal('init-failed'),
    job: jobId,
    message: sentence,
    processes: z.int().min(1),
  }),
  z.object({ kind: z.literal('slots-changed'), slots: count, reason: sentence }),
  z.object({ kind: z.literal('head-welcome'), term }),
  z.object({ kind: z.literal('leases-granted'), term, leases }),
  z.object({ kind: z.literal('leases-revoked'), term, tokens, reason: sentence }),
  z.object({
    kind: z.literal('reports-settled'),
    term,
    tokens,
    segments: z.array(bytes).max(64),
  }),
  z.object({ kind: z.literal('not-head'), term: term.nullable(), head: peerId.nullable() }),
])

export const leaseProtocol = messageProtocol(
  '/muster/lease/1.0.0',
  limits.controlFrameBytes,
  message,
)
