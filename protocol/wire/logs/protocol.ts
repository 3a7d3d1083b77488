import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { JobId, Millis } from '../../model/ids.ts'
import { requestProtocol } from '../codec.ts'
import type { RequestProtocol } from '../codec.ts'
import { bytes, count, jobId, millis } from '../fields.ts'

/** `/muster/logs/1.0.0`: what worker processes of a job printed on one machine. */
export interface LogsRequest {
  readonly job: JobId
  /** Only logs of the process with this number; left out: all. */
  readonly process?: number
  /** Newest bytes of each log at most; 0: none, only what there is. */
  readonly most: number
}

/** One log; an answer is one frame for each, by process and start. */
export interface LogAnswer {
  readonly process: number
  readonly startedAt: Millis
  /** What is kept of it. */
  readonly size: number
  readonly data: Uint8Array
}

const request: z.ZodType<LogsRequest> = z.object({
  job: jobId,
  process: count.exactOptional(),
  most: count,
})
const answer: z.ZodType<LogAnswer> = z.object({
  process: count,
  startedAt: millis,
  size: count,
  data: bytes,
})

/** See docs/wire/logs-v1.md. */
export const logsProtocol: RequestProtocol<LogsRequest, LogAnswer> = requestProtocol(
  '/muster/logs/1.0.0',
  limits.logFrameBytes,
  request,
  answer,
)
