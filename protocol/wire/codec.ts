import { decode as cborDecode, encode as cborEncode } from 'cborg'
import type { z } from 'zod'
import { musterError, MusterFailure, thrownToText } from '../errors.ts'

/**
 * Strict, canonical CBOR: one value has one encoding, so bytes can be signed and hashed.
 * Anything lax (doubled keys, indefinite lengths, NaN, trailing bytes) is refused.
 */
export const encodeCbor = (value: unknown): Uint8Array => cborEncode(value)

const strict = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  rejectDuplicateMapKeys: true,
} as const

/**
 * Decodes and checks. @throws MusterFailure `MessageInvalid`; a message nested a million deep ends here
 * too, as the RangeError of a full stack.
 */
export const decodeCbor = <T>(bytes: Uint8Array, schema: z.ZodType<T>, what: string): T => {
  let value: unknown
  try {
    value = cborDecode(bytes, strict)
  } catch (thrown) {
    throw invalid(what, thrownToText(thrown))
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw invalid(what, parsed.error.issues[0]?.message ?? 'no such message')
  return parsed.data
}

const invalid = (what: string, detail: string): MusterFailure =>
  new MusterFailure(
    musterError('MessageInvalid', `A ${what} could not be read and was dropped.`, { detail }),
  )

/** A protocol of one-way messages over one long-lived stream per pair of peers. */
export interface MessageProtocol<Message> {
  readonly id: string
  /** A longer frame ends the stream. */
  readonly maxFrameBytes: number
  readonly encode: (message: Message) => Uint8Array
  /** @throws MusterFailure */
  readonly decode: (bytes: Uint8Array) => Message
}

/** A protocol of requests, each answered by a bounded sequence of frames. */
export interface RequestProtocol<Request, Answer> {
  readonly id: string
  readonly maxFrameBytes: number
  readonly encodeRequest: (request: Request) => Uint8Array
  readonly decodeRequest: (bytes: Uint8Array) => Request
  readonly encodeAnswer: (answer: Answer) => Uint8Array
  readonly decodeAnswer: (bytes: Uint8Array) => Answer
  /** For bulk: what `encodeAnswer` gives as parts to be sent one after the other, so that nothing is copied. */
  readonly answerToParts?: (answer: Answer) => readonly Uint8Array[]
  /** For bulk: `decodeAnswer` of a payload as it came. @throws MusterFailure */
  readonly answerFromParts?: (parts: readonly Uint8Array[]) => Answer
}

/** Makes a message protocol from its schema. */
export const messageProtocol = <Message>(
  id: string,
  maxFrameBytes: number,
  schema: z.ZodType<Message>,
): MessageProtocol<Message> => ({
  id,
  maxFrameBytes,
  encode: encodeCbor,
  decode: (bytes) => decodeCbor(bytes, schema, `message of ${id}`),
})

/** Makes a request protocol from its two schemas. */
export const requestProtocol = <Request, Answer>(
  id: string,
  maxFrameBytes: number,
  request: z.ZodType<Request>,
  answer: z.ZodType<Answer>,
): RequestProtocol<Request, Answer> => ({
  id,
  maxFrameBytes,
  encodeRequest: encodeCbor,
  decodeRequest: (bytes) => decodeCbor(bytes, request, `request of ${id}`),
  encodeAnswer: encodeCbor,
  decodeAnswer: (bytes) => decodeCbor(bytes, answer, `answer of ${id}`),
})
