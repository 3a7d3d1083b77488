import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { ErrorCode } from '#protocol/errors.ts'
import { requestFailureCodec, requestFrame } from '#protocol/wire/request-frames.ts'
import type { Bounds } from './bounds.ts'
import type { FrameStream } from './frame-stream.ts'
import { joinParts } from './frames.ts'
import type { FrameParts } from './frames.ts'
import { createPlaces } from './places.ts'

/** Asks one peer over one request protocol: a small pool of streams, each serving one request at a time. */
export interface Asker {
  /** The encoded answers, in parts as they came. Ends when the server ended. @throws MusterFailure */
  readonly ask: (request: Uint8Array, signal?: AbortSignal) => AsyncGenerator<FrameParts>
}

export interface AskerDeps {
  readonly openStream: (signal: AbortSignal) => Promise<FrameStream>
  readonly bounds: Bounds
  /** For sentences: the peer's name. */
  readonly name: string
  /** The peer broke the framing: its connection shall be cut. */
  readonly onBroken: (thrown: unknown) => void
}

export const createAsker = ({ openStream, bounds, name, onBroken }: AskerDeps): Asker => {
  const idle: FrameStream[] = []
  const places = createPlaces(bounds.openRequests, bounds.requestWaitMs, `A request to ${name}`)

  const takeStream = async (): Promise<FrameStream> => {
    for (let stream = idle.pop(); stream !== undefined; stream = idle.pop())
      if (stream.isOpen()) return stream
    try {
      return await openStream(AbortSignal.timeout(bounds.answerMs))
    } catch (thrown) {
      throw lost(name, thrownToText(thrown))
    }
  }

  const leave = async (stream: FrameStream): Promise<void> => {
    if (await readAway(stream, bounds.answerMs)) idle.push(stream)
    else stream.abort('the answer did not end after it was canceled')
    places.give()
  }

  async function* ask(request: Uint8Array, signal?: AbortSignal): AsyncGenerator<FrameParts> {
    if (signal?.aborted === true) throw failure('Aborted', `A request to ${name} was given up.`)
    await places.take(signal)
    let stream: FrameStream | undefined
    let state: 'running' | 'ended' | 'broken' = 'broken'
    try {
      stream = await takeStream()
      state = 'running'
      stream.write(Uint8Array.of(requestFrame.request), request)
      for (;;) {
        const frame = await stream.readParts(bounds.frameSilenceMs, signal)
        if (frame === null) throw lost(name)
        const kind = kindOf(frame)
        if (kind === requestFrame.answer) {
          yield payloadOf(frame)
          continue
        }
        if (!isLast(kind)) throw failure('FrameTooLarge', `${name} answered out of order.`)
        state = 'ended'
        if (kind === requestFrame.failure) throw readFailure(joinParts(payloadOf(frame)), name)
        return
      }
    } catch (thrown) {
      const known = inWords(thrown, name)
      if (known.error.code === 'FrameTooLarge') onBroken(thrown)
      if (state === 'running' && !isGivenUp(known)) state = 'broken'
      throw known
    } finally {
      if (stream === undefined || state === 'broken') {
        stream?.abort('the request failed')
        places.give()
      } else if (state === 'ended') {
        idle.push(stream)
        places.give()
      } else {
        void leave(stream)
      }
    }
  }

  return { ask }
}

/** The rest of an unwanted answer is read away, so that the stream can serve again. */
const readAway = async (stream: FrameStream, answerMs: number): Promise<boolean> => {
  stream.write(Uint8Array.of(requestFrame.cancel))
  const limit = AbortSignal.timeout(answerMs)
  try {
    for (;;) {
      const frame = await stream.readParts(undefined, limit)
      if (frame === null) return false
      if (isLast(kindOf(frame))) return true
    }
  } catch {
    return false
  }
}

const kindOf = (frame: FrameParts): number | undefined => frame[0]?.[0]

const payloadOf = ([first, ...rest]: FrameParts): FrameParts =>
  first === undefined ? [] : [first.subarray(1), ...rest]

const isLast = (kind: number | undefined): boolean =>
  kind === requestFrame.end || kind === requestFrame.failure

/** Given up by us while the stream itself is sound. */
const isGivenUp = ({ error }: MusterFailure): boolean =>
  error.code === 'Aborted' || error.code === 'TimedOut'

const failure = (code: ErrorCode, message: string, detail?: string): MusterFailure =>
  new MusterFailure(
    musterError(code, message, {
      retryable: code === 'PeerUnreachable' || code === 'TimedOut',
      ...(detail === undefined ? {} : { detail }),
    }),
  )

const lost = (name: string, detail?: string): MusterFailure =>
  failure(
    'PeerUnreachable',
    `The connection to ${name} ended before its answer did; it is tried again.`,
    detail,
  )

const readFailure = (bytes: Uint8Array, name: string): MusterFailure => {
  const { why, message } = requestFailureCodec.decode(bytes)
  return why === 'invalid'
    ? failure(
        'MessageInvalid',
        `${name} could not read a request; check that it runs the same version of Muster.`,
        message,
      )
    : failure('PeerUnreachable', `${name} could not answer a request: ${message}`, message)
}

/** A stream's own errors know no names; this adds them. */
const inWords = (thrown: unknown, name: string): MusterFailure => {
  if (!(thrown instanceof MusterFailure)) return lost(name, thrownToText(thrown))
  const { code, message, detail } = thrown.error
  if (message.includes(name)) return thrown
  if (code === 'TimedOut')
    return failure(code, `${name} stopped answering a request; it is tried again.`, message)
  if (code === 'Aborted') return failure(code, `A request to ${name} was given up.`)
  if (code === 'PeerUnreachable') return lost(name, detail ?? message)
  return thrown
}
