import { z } from 'zod'
import { limits } from '../limits.ts'
import { messageProtocol } from './codec.ts'
import { sentence } from './fields.ts'

/**
 * The first byte of every frame on a stream of a request protocol. A stream serves one request at a
 * time: `request`, then any number of `answer`, then `end` or `failure`; then the next request.
 */
export const requestFrame = {
  /** From the asker: the encoded request. */
  request: 1,
  /** From the asker: the rest of the answer is not wanted; an `end` or `failure` still follows. */
  cancel: 2,
  /** From the server: one encoded answer. */
  answer: 3,
  /** From the server: nothing more follows. */
  end: 4,
  /** From the server instead of `end`: an encoded `RequestFailure`. */
  failure: 5,
} as const

/** Why a request was not answered, or not to its end. */
export interface RequestFailure {
  readonly kind: 'request-failure'
  /** `invalid`: the request could not be read. `failed`: the server could not answer it. */
  readonly why: 'invalid' | 'failed'
  /** One sentence. */
  readonly message: string
}

const failure: z.ZodType<RequestFailure> = z.object({
  kind: z.literal('request-failure'),
  why: z.enum(['invalid', 'failed']),
  message: sentence,
})

/** Bytes of the failure that ends a request. */
export const requestFailureCodec = messageProtocol(
  'request failure',
  limits.bulkFrameBytes,
  failure,
)
