import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { BlobHash } from '../../model/ids.ts'
import { requestProtocol } from '../codec.ts'
import { blobHash, bytes, count } from '../fields.ts'

/** `/muster/blob/1.0.0`: bytes by their hash, from any holder, resumable at an offset. */
export interface BlobRequest {
  readonly blob: BlobHash
  readonly offset: number
}

export type BlobAnswer =
  | { readonly kind: 'missing' }
  /** First frame: the whole blob's size. */
  | { readonly kind: 'found'; readonly bytes: number }
  | { readonly kind: 'data'; readonly data: Uint8Array }

const request: z.ZodType<BlobRequest> = z.object({ blob: blobHash, offset: count })

const answer: z.ZodType<BlobAnswer> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('missing') }),
  z.object({ kind: z.literal('found'), bytes: z.int().min(0).max(limits.blobBytes) }),
  z.object({ kind: z.literal('data'), data: bytes }),
])

export const blobProtocol = requestProtocol(
  '/muster/blob/1.0.0',
  2 * limits.bulkFrameBytes,
  request,
  answer,
)
