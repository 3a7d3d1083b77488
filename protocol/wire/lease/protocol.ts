import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { ReturnReason } from '../../model/attempt.ts'
import { decodeCbor, encodeCbor } from '../codec.ts'
import type { MessageProtocol } from '../codec.ts'
import { bytes, count, jobId, peerId, sentence, term } from '../fields.ts'
import {
  leaseList,
  leasesToWire,
  reportList,
  reportsToWire,
  tokenList,
  tokensToWire,
} from './columns.ts'
import type { LeaseMessage } from './messages.ts'

const reason: z.ZodType<ReturnReason> = z.enum([
  'owner',
  'draining',
  'unknown-job',
  'input-unreachable',
  'model-unreachable',
  'out-of-reach',
  'init-failed',
  'revoked',
  'process-replaced',
])

const tokens = tokenList

const message: z.ZodType<LeaseMessage> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('worker-hello'),
    slots: count,
    held: leaseList,
    reports: reportList,
  }),
  z.object({ kind: z.literal('leases-started'), tokens }),
  z.object({ kind: z.literal('attempts-finished'), reports: reportList }),
  z.object({ kind: z.literal('leases-returned'), tokens, reason, message: sentence }),
  z.object({
    kind: z.literal('init-failed'),
    job: jobId,
    message: sentence,
    processes: z.int().min(1),
  }),
  z.object({ kind: z.literal('job-noted'), job: jobId, message: sentence }),
  z.object({ kind: z.literal('slots-changed'), slots: count, reason: sentence }),
  z.object({ kind: z.literal('head-welcome'), term }),
  z.object({ kind: z.literal('leases-granted'), term, leases: leaseList }),
  z.object({ kind: z.literal('leases-revoked'), term, tokens, reason: sentence }),
  z.object({
    kind: z.literal('reports-settled'),
    term,
    tokens,
    segments: z.array(bytes).max(64),
  }),
  z.object({ kind: z.literal('not-head'), term: term.nullable(), head: peerId.nullable() }),
])

/** Lists leave in columns: a thousand leases are then a few numbers' steps and not a thousand objects. */
const toWire = (value: LeaseMessage): object => {
  switch (value.kind) {
    case 'worker-hello':
      return { ...value, held: leasesToWire(value.held), reports: reportsToWire(value.reports) }
    case 'attempts-finished':
      return { ...value, reports: reportsToWire(value.reports) }
    case 'leases-granted':
      return { ...value, leases: leasesToWire(value.leases) }
    case 'leases-started':
    case 'leases-returned':
    case 'leases-revoked':
    case 'reports-settled':
      return { ...value, tokens: tokensToWire(value.tokens) }
    default:
      return value
  }
}

const id = '/muster/lease/1.0.0'

/** See docs/wire/lease-v1.md. */
export const leaseProtocol: MessageProtocol<LeaseMessage> = {
  id,
  maxFrameBytes: limits.controlFrameBytes,
  encode: (value) => encodeCbor(toWire(value)),
  decode: (data) => decodeCbor(data, message, `message of ${id}`),
}
