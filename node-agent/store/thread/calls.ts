import { parentPort, workerData } from 'node:worker_threads'
import type { Transferable } from 'node:worker_threads'
import type { MusterError } from '#protocol/errors.ts'

/** What a thread can be asked: its methods, called one at a time in the order of asking. */
export type Calls = Readonly<Record<string, (argument: never) => unknown>>

export interface CallMessage {
  readonly id: number
  readonly method: string
  readonly argument: unknown
}

/** `id` -1: the thread is ready, or could not start. */
export type AnswerMessage =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: MusterError }

export const readyId = -1

/** What both threads are started with. */
export interface ThreadOptions {
  /** Absolute path of the database. */
  readonly file: string
  /** The file never grows beyond this; undefined: as far as the disk goes. */
  readonly maxBytes?: number
  /** A file up to this size is written anew at once when a job is forgotten; undefined: as the limits say. */
  readonly rewrittenBytes?: number
}

/** An answer whose buffers move to the asker instead of being copied. */
export class Moved {
  readonly value: unknown
  readonly buffers: readonly Transferable[]
  constructor(value: unknown, buffers: readonly Transferable[]) {
    this.value = value
    this.buffers = buffers
  }
}

/**
 * Turns the running thread into a server of calls: `open` gives the methods and the word that it is ready.
 * @param toError says what a thrown thing means to people
 */
export const serveCalls = (
  open: (options: ThreadOptions) => { readonly ready: unknown; readonly methods: Calls },
  toError: (options: ThreadOptions, thrown: unknown) => MusterError,
): void => {
  const port = parentPort
  if (port === null) throw new Error('this file is the root of a thread')
  const options = workerData as ThreadOptions
  const post = (message: AnswerMessage, buffers: readonly Transferable[] = []) =>
    port.postMessage(message, [...buffers])
  const answer = (id: number, make: () => unknown) => {
    try {
      const value = make()
      if (value instanceof Moved) post({ id, ok: true, value: value.value }, value.buffers)
      else post({ id, ok: true, value })
    } catch (thrown) {
      post({ id, ok: false, error: toError(options, thrown) })
    }
  }
  answer(readyId, () => {
    const { ready, methods } = open(options)
    port.on('message', ({ id, method, argument }: CallMessage) => {
      answer(id, () => methods[method]?.(argument as never))
    })
    return ready
  })
}
