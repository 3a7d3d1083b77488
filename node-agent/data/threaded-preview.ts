import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { DataPreview, Preview } from '#agent/ports/data.ts'
import type { RunInput } from '#agent/ports/runtime.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobInput } from '#protocol/model/input.ts'
import { err } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { createDataPreview } from './preview.ts'

/** What is looked at. */
export type ToPreviewThread =
  | { readonly kind: 'first'; readonly input: JobInput; readonly most: number }
  | {
      readonly kind: 'sample'
      readonly input: JobInput
      readonly keys: readonly string[]
      readonly most: number
    }

/** What was found: of the kind that was asked for. */
export type FromPreviewThread = Result<Preview | RunInput, MusterError>

/**
 * A preview that looks at tables in a thread: decoding a row group takes seconds, and the decoder may go round
 * for ever in a damaged file, which must not take the agent along.
 */
export const createThreadedPreview = (mostMs: number = limits.previewMs): DataPreview => {
  const { file, first, sample } = createDataPreview()
  return {
    file,
    first: (input, most, signal) =>
      input.kind === 'files'
        ? first(input, most, signal)
        : (lookIn({ kind: 'first', input, most }, mostMs, signal) as ReturnType<typeof first>),
    sample: (input, keys, most, signal) =>
      input.kind === 'files'
        ? sample(input, keys, most, signal)
        : (lookIn({ kind: 'sample', input, keys, most }, mostMs, signal) as ReturnType<
            typeof sample
          >),
  }
}

const lookIn = async (
  wish: ToPreviewThread,
  mostMs: number,
  signal: AbortSignal,
): Promise<FromPreviewThread> => {
  const late = AbortSignal.timeout(mostMs)
  const thread = new Worker(new URL('./preview-thread.ts', import.meta.url))
  try {
    const answer = once(thread, 'message', { signal: AbortSignal.any([signal, late]) })
    thread.postMessage(wish)
    const [found] = (await answer) as [FromPreviewThread]
    return found
  } catch (thrown) {
    const what = `The first records of input "${wish.input.name}" could not be read`
    const message = late.aborted
      ? `${what} within ${mostMs / 1_000} s: is one of its files damaged, or does its disk not answer?`
      : `${what}: check its files, and try again.`
    return err(musterError('InputUnreadable', message, { detail: thrownToText(thrown) }))
  } finally {
    await thread.terminate()
  }
}
