import { Worker } from 'node:worker_threads'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { readyId } from './calls.ts'
import type { AnswerMessage, CallMessage, Calls, ThreadOptions } from './calls.ts'

/** A started thread and its methods. Disposing waits for `close`, then ends it. */
export interface Thread<Methods extends Calls> extends AsyncDisposable {
  /** Rejects with MusterFailure. */
  readonly call: <Method extends keyof Methods & string>(
    method: Method,
    ...argument: Parameters<Methods[Method]>
  ) => Promise<ReturnType<Methods[Method]>>
  /** Waits for `close`, then ends it; gives what that said, undefined if it broke before. */
  readonly close: () => Promise<unknown>
  /** Ends it whatever it is doing; for threads that only read. Calls under way reject. */
  readonly kill: () => Promise<void>
  /** It ended, by itself or because it was told to: every further call rejects. */
  readonly isBroken: () => boolean
}

/**
 * Starts the thread in `url`; `ready` is what it said of itself when it was.
 * @throws MusterFailure if it cannot open its database
 */
export const startThread = async <Methods extends Calls>(
  url: URL,
  options: ThreadOptions,
): Promise<{ readonly thread: Thread<Methods>; readonly ready: unknown }> => {
  const worker = new Worker(url, { workerData: options })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let nextId = 0
  let ended: MusterError | undefined

  const wait = (id: number): Promise<unknown> => {
    const promise = Promise.withResolvers<unknown>()
    waiting.set(id, promise)
    return promise.promise
  }
  const end = (detail: string): void => {
    ended ??= gone(options.file, detail)
    for (const promise of waiting.values()) promise.reject(new MusterFailure(ended))
    waiting.clear()
  }
  worker.on('message', (answer: AnswerMessage) => {
    const promise = waiting.get(answer.id)
    waiting.delete(answer.id)
    if (answer.ok) promise?.resolve(answer.value)
    else promise?.reject(new MusterFailure(answer.error))
  })
  worker.on('error', (thrown) => end(thrownToText(thrown)))
  worker.on('exit', (code) => end(`thread ended with ${code}`))

  const call = (method: string, argument?: unknown): Promise<unknown> => {
    if (ended !== undefined) return Promise.reject(new MusterFailure(ended))
    const id = nextId++
    const answer = wait(id)
    worker.postMessage({ id, method, argument } satisfies CallMessage, [])
    return answer
  }
  const close = async (): Promise<unknown> => {
    if (ended !== undefined) return undefined
    const said = await call('close').catch(() => undefined)
    await worker.terminate()
    return said
  }
  try {
    const ready = await wait(readyId)
    return {
      thread: {
        call: call as Thread<Methods>['call'],
        kill: async () => void (await worker.terminate()),
        isBroken: () => ended !== undefined,
        close,
        [Symbol.asyncDispose]: async () => void (await close()),
      },
      ready,
    }
  } catch (thrown) {
    await worker.terminate()
    throw thrown
  }
}

/** @param detail how the thread ended */
export const gone = (file: string, detail: string): MusterError =>
  musterError('StoreBroken', `The store ${file} is closed: start the agent again.`, { detail })
