import { z } from 'zod'
import { musterError, MusterFailure } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { BlobHash } from '../../model/ids.ts'
import { requestProtocol } from '../codec.ts'
import type { RequestProtocol } from '../codec.ts'
import { blobHash, count } from '../fields.ts'

/** `/muster/blob/1.0.0`: bytes by their hash, from any holder, resumable at an offset. */
export interface BlobRequest {
  readonly blob: BlobHash
  readonly offset: number
}

/** One frame of an answer. */
export type BlobAnswer =
  | { readonly kind: 'missing' }
  /** First frame: the whole blob's size. */
  | { readonly kind: 'found'; readonly bytes: number }
  /** The next bytes, in parts: as they came from the connection, or as they lie in memory. */
  | { readonly kind: 'data'; readonly parts: readonly Uint8Array[] }

const request: z.ZodType<BlobRequest> = z.object({ blob: blobHash, offset: count })

/** First byte of an answer. Bulk is not packed in CBOR: its bytes follow as they are. */
const answerByte = { missing: 0, found: 1, data: 2 } as const
/** Bytes of a `found`: the kind, then the size as an unsigned big-endian integer. */
const foundBytes = 9

const toParts = (answer: BlobAnswer): readonly Uint8Array[] => {
  if (answer.kind === 'missing') return [Uint8Array.of(answerByte.missing)]
  if (answer.kind === 'data') return [Uint8Array.of(answerByte.data), ...answer.parts]
  const found = new Uint8Array(foundBytes)
  found[0] = answerByte.found
  new DataView(found.buffer).setBigUint64(1, BigInt(answer.bytes))
  return [found]
}

const fromParts = (parts: readonly Uint8Array[]): BlobAnswer => {
  // The kind stands alone in the first part that is not empty, or in front of the first bytes.
  const whole = parts.filter((part) => part.length > 0)
  const [first = new Uint8Array(), ...rest] = whole
  if (first[0] === answerByte.data)
    return { kind: 'data', parts: first.length > 1 ? [first.subarray(1), ...rest] : rest }
  const bytes = join(whole)
  if (bytes[0] === answerByte.missing && bytes.length === 1) return { kind: 'missing' }
  if (bytes[0] === answerByte.found && bytes.length === foundBytes) {
    const size = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(1)
    if (size <= limits.blobBytes) return { kind: 'found', bytes: Number(size) }
  }
  throw new MusterFailure(
    musterError(
      'MessageInvalid',
      'An answer of /muster/blob/1.0.0 could not be read and was dropped.',
    ),
  )
}

const join = (parts: readonly Uint8Array[]): Uint8Array => {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

/** Requests are CBOR, answers are raw: see docs/wire/blob-v1.md. */
export const blobProtocol: RequestProtocol<BlobRequest, BlobAnswer> = {
  ...requestProtocol<BlobRequest, BlobAnswer>(
    '/muster/blob/1.0.0',
    2 * limits.bulkFrameBytes,
    request,
    z.never(),
  ),
  encodeAnswer: (answer) => join(toParts(answer)),
  decodeAnswer: (bytes) => fromParts([bytes]),
  answerToParts: toParts,
  answerFromParts: fromParts,
}
