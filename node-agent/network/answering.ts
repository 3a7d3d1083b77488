import { MusterFailure, thrownToText } from '#protocol/errors.ts'
import { requestFailureCodec, requestFrame } from '#protocol/wire/request-frames.ts'
import type { Bounds } from './bounds.ts'
import type { FrameStream } from './frame-stream.ts'
import type { FrameParts } from './frames.ts'

export interface AnsweringDeps {
  readonly bounds: Bounds
  /** Decodes, handles and encodes. @throws MusterFailure `MessageInvalid` before the first answer. */
  readonly handle: (request: Uint8Array, signal: AbortSignal) => AsyncIterable<FrameParts>
  readonly onProblem: (thrown: unknown) => void
}

/** Serves one stream of requests until the asker ends it. @throws MusterFailure when the asker breaks the framing */
export const answerRequests = async (stream: FrameStream, deps: AnsweringDeps): Promise<void> => {
  let next = stream.read()
  for (;;) {
    const frame = await next
    if (frame === null) return stream.end()
    const kind = frame[0]
    if (kind !== requestFrame.request && kind !== requestFrame.cancel)
      return stream.abort('not a request')
    next = stream.read()
    // A cancel that crossed our `end` finds nothing to cancel.
    if (kind === requestFrame.cancel) continue
    const controller = new AbortController()
    // Whatever comes while we answer - a cancel, the end, a lost connection - ends the answer.
    const stop = (): void => controller.abort(new Error('the asker gave up'))
    next.then(stop, stop)
    await answerOne(stream, frame.subarray(1), controller.signal, deps)
  }
}

const answerOne = async (
  stream: FrameStream,
  request: Uint8Array,
  signal: AbortSignal,
  { bounds, handle, onProblem }: AnsweringDeps,
): Promise<void> => {
  let iterator: AsyncIterator<FrameParts> | undefined
  let done = false
  try {
    iterator = handle(request, signal)[Symbol.asyncIterator]()
    for (;;) {
      const step = await orAborted(iterator.next(), signal)
      done = step?.done === true
      if (step === undefined || step.done === true) break
      stream.write(Uint8Array.of(requestFrame.answer), ...step.value)
      if (await stream.drained(bounds.answerUnreadMs, signal)) continue
      if (!signal.aborted) stream.abort('nothing of the answer was read')
      break
    }
    stream.write(Uint8Array.of(requestFrame.end))
  } catch (thrown) {
    if (!signal.aborted) onProblem(thrown)
    stream.write(Uint8Array.of(requestFrame.failure), encodeFailure(thrown))
  }
  // Not awaited: a handler that ignores its signal must not hold the stream.
  if (!done) iterator?.return?.().then(ignore, ignore)
}

const orAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> => {
  if (signal.aborted) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve(undefined)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

const encodeFailure = (thrown: unknown): Uint8Array => {
  const known = thrown instanceof MusterFailure
  return requestFailureCodec.encode({
    kind: 'request-failure',
    why: known && thrown.error.code === 'MessageInvalid' ? 'invalid' : 'failed',
    message: known
      ? thrown.error.message
      : `It failed there (${thrownToText(thrown)}).`.slice(0, 4_000),
  })
}

const ignore = (): void => undefined
