import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { ItemIndex, JobId } from '../../model/ids.ts'
import { requestProtocol } from '../codec.ts'
import { bytes, count, jobId, sentence } from '../fields.ts'

/**
 * `/muster/input/1.0.0`: the items of one mini-batch (or any item range) in one framed stream, from the
 * data's peer. Small items share a frame; a large item is cut into parts.
 */
export interface InputRequest {
  readonly job: JobId
  readonly firstItem: ItemIndex
  readonly items: number
  /** `paths` asks for names, sizes and times only, for a worker that may open the files in place. */
  readonly want: 'bytes' | 'paths'
}

/** A part of one item. An item is whole when its parts add up to `total`. */
export interface InputPart {
  readonly item: ItemIndex
  readonly name: string
  readonly total: number
  readonly offset: number
  readonly data: Uint8Array
  readonly modifiedMs: number
  /** Position of its input in the job's list. */
  readonly input: number
  /** Why the item cannot be had, in one sentence; empty if it can. */
  readonly problem: string
}

export interface InputAnswer {
  readonly parts: readonly InputPart[]
  readonly last: boolean
  /** On the first `paths` answer: lets an agent of the same user on the same machine know that it is one. */
  readonly sameUser?: SameUserProof
}

/** A file that only one user of one machine can read, and what stands in it. */
export interface SameUserProof {
  readonly path: string
  /** 64 hex digits. */
  readonly nonce: string
}

const request: z.ZodType<InputRequest> = z.object({
  job: jobId,
  firstItem: count,
  items: z.int().min(1).max(1_000_000),
  want: z.enum(['bytes', 'paths']),
})

const answer: z.ZodType<InputAnswer> = z.object({
  parts: z
    .array(
      z.object({
        item: count,
        name: z.string().max(limits.itemNameBytes),
        total: count,
        offset: count,
        data: bytes,
        modifiedMs: z.number(),
        input: z
          .int()
          .min(0)
          .max(limits.inputs - 1),
        problem: sentence,
      }),
    )
    .max(100_000),
  last: z.boolean(),
  sameUser: z
    .object({ path: z.string().max(limits.itemNameBytes), nonce: z.string().max(64) })
    .exactOptional(),
})

export const inputProtocol = requestProtocol(
  '/muster/input/1.0.0',
  4 * limits.bulkFrameBytes,
  request,
  answer,
)
