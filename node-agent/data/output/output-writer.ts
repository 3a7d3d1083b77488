import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type {
  FilesWish,
  OutputWriter,
  RowFileWish,
  WrittenFile,
  WrittenFiles,
} from '#agent/ports/output.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { outputExists } from './publish.ts'

/** What the thread is asked. `stop[0]` becomes 1 when the wish is given up. */
export type OutputQuestion = (
  | { readonly kind: 'rows'; readonly wish: RowFileWish }
  | { readonly kind: 'files'; readonly wish: FilesWish }
) & { readonly stop: Int32Array<SharedArrayBuffer> }

/** In the order of the questions; what stands in it belongs to the question's kind. */
export type OutputAnswer = Result<WrittenFile | WrittenFiles, MusterError>

type Wish =
  | { readonly kind: 'rows'; readonly wish: RowFileWish }
  | { readonly kind: 'files'; readonly wish: FilesWish }

export interface OutputWriterDeps {
  /** The thread's first file; see `output-thread.ts`. */
  readonly thread: URL
  /** Absolute path of the store's database. */
  readonly database: string
  /** Absolute folder of the blobs. */
  readonly blobs: string
}

/**
 * Outputs are written in a thread that reads the store by itself, one after the other: the agent's own
 * thread only asks. The thread starts with the first output and ends when there was none for a while.
 */
export const createOutputWriter = (deps: OutputWriterDeps): OutputWriter => {
  const closed = new AbortController()
  let thread: Worker | undefined
  let idle: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()

  const end = async (): Promise<void> => {
    const ending = thread
    thread = undefined
    await ending?.terminate()
  }
  const write = async (wish: Wish, given: AbortSignal): Promise<OutputAnswer> => {
    const signal = AbortSignal.any([given, closed.signal])
    if (signal.aborted) return err(stopped(wish))
    clearTimeout(idle)
    thread ??= startThread(deps)
    const answer = await ask(thread, wish, signal)
    if (typeof answer === 'string') await end()
    idle = setTimeout(() => void end(), limits.outputThreadIdleMs).unref()
    return typeof answer === 'string' ? err(broken(wish, answer)) : answer
  }
  /** The caller knows of which kind the answer is: that of its wish. */
  const inTurn = <Written extends WrittenFile | WrittenFiles>(
    wish: Wish,
    signal: AbortSignal,
  ): Promise<Result<Written, MusterError>> => {
    const answer = last.then(() => write(wish, signal))
    last = answer.catch(() => undefined)
    return answer as Promise<Result<Written, MusterError>>
  }
  return {
    write: (wish, signal) => inTurn<WrittenFile>({ kind: 'rows', wish }, signal),
    writeFiles: (wish, signal) => inTurn<WrittenFiles>({ kind: 'files', wish }, signal),
    checkFree: async (folder, names) => {
      for (const name of names) {
        const path = join(folder, name)
        if (await isThere(path)) return err(outputExists(path))
      }
      return ok(undefined)
    },
    [Symbol.asyncDispose]: async () => {
      closed.abort()
      await last
      clearTimeout(idle)
      await end()
    },
  }
}

/** A link that leads nowhere is there too. */
const isThere = async (path: string): Promise<boolean> => {
  try {
    await lstat(path)
    return true
  } catch {
    return false
  }
}

const startThread = ({ thread, database, blobs }: OutputWriterDeps): Worker => {
  const worker = new Worker(thread, {
    workerData: { database, blobs },
    // One row group and its copies fit; rows that do not must not take the agent along.
    resourceLimits: { maxOldGenerationSizeMb: limits.outputThreadBytes / 2 ** 20 },
  })
  worker.unref()
  return worker
}

/** A text if the thread ended before it answered: its last words. */
const ask = async (
  thread: Worker,
  wish: Wish,
  signal: AbortSignal,
): Promise<OutputAnswer | string> => {
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const giveUp = (): void => void Atomics.store(stop, 0, 1)
  const done = Promise.withResolvers<OutputAnswer | string>()
  const gone = (how: unknown): void => done.resolve(thrownToText(how))
  signal.addEventListener('abort', giveUp, { once: true })
  thread.once('message', done.resolve)
  thread.once('error', gone)
  thread.once('exit', gone)
  try {
    thread.postMessage({ ...wish, stop } satisfies OutputQuestion)
    return await done.promise
  } finally {
    signal.removeEventListener('abort', giveUp)
    thread.off('message', done.resolve).off('error', gone).off('exit', gone)
  }
}

const nameOf = ({ kind, wish }: Wish): string =>
  kind === 'rows' ? `the output file ${wish.fileName}` : `the folder ${wish.name}`

const stopped = (wish: Wish): MusterError =>
  musterError('Aborted', `Writing ${nameOf(wish)} was stopped.`, { retryable: true })

const broken = (wish: Wish, detail: string): MusterError =>
  musterError(
    'Internal',
    `The thread that wrote ${nameOf(wish)} ended: its rows need more memory than one thread may use; write them as .jsonl.`,
    { detail },
  )
