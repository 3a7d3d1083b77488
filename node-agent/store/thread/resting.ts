import { MusterFailure } from '#protocol/errors.ts'
import type { Millis } from '#protocol/model/ids.ts'
import type { Calls, ThreadOptions } from './calls.ts'
import { gone, startThread } from './start.ts'
import type { Thread } from './start.ts'

/** A thread that may be asked at any time, whether it runs just now or not. */
export type RestingThread<Methods extends Calls> = Pick<
  Thread<Methods>,
  'call' | typeof Symbol.asyncDispose
>

export interface Resting {
  /** It ends when nothing was asked for this long. */
  readonly restMs: Millis
  /** Begins what may be done while it rests; stopped before it starts again. `closed`: what its `close` said. */
  readonly meanwhile?: (closed: unknown) => AsyncDisposable | undefined
}

/**
 * Starts the thread in `url`, ends it when nothing was asked for `restMs`, and starts it again with the next
 * question: an idle agent pays no heap for it. One that broke stays broken, since nobody knows what of its
 * last call is durable. `ready` is what it said of itself at its first start.
 * @throws MusterFailure if it cannot open its database
 */
export const startRestingThread = async <Methods extends Calls>(
  url: URL,
  options: ThreadOptions,
  { restMs, meanwhile }: Resting,
): Promise<{ readonly thread: RestingThread<Methods>; readonly ready: unknown }> => {
  const first = await startThread<Methods>(url, options)
  let running: Promise<Thread<Methods>> | undefined = Promise.resolve(first.thread)
  let ending: Promise<AsyncDisposable | undefined> = Promise.resolve(undefined)
  let underWay = 0
  let isClosed = false
  let timer: NodeJS.Timeout | undefined

  const rest = (): void => {
    const resting = running
    running = undefined
    ending = Promise.resolve(resting?.then((thread) => close(thread, meanwhile)))
  }
  /** Resolves when it has ended and nothing else is done in its place. */
  const ended = async (): Promise<void> => (await ending)?.[Symbol.asyncDispose]()
  const restLater = (): void => {
    timer = isClosed ? undefined : setTimeout(rest, restMs).unref()
  }
  const startAgain = async (): Promise<Thread<Methods>> => {
    // Only one of them at a time has the database.
    await ended()
    if (isClosed) throw new MusterFailure(gone(options.file, 'the agent stops'))
    return (await startThread<Methods>(url, options)).thread
  }
  const awake = async (): Promise<Thread<Methods>> => {
    const starting = (running ??= startAgain())
    try {
      return await starting
    } catch (thrown) {
      // A full disk may be free again: the next question tries anew.
      if (running === starting) running = undefined
      throw thrown
    }
  }
  restLater()
  return {
    ready: first.ready,
    thread: {
      call: async (method, ...argument) => {
        clearTimeout(timer)
        underWay += 1
        let thread: Thread<Methods> | undefined
        try {
          thread = await awake()
          return await thread.call(method, ...argument)
        } finally {
          underWay -= 1
          if (underWay === 0 && thread?.isBroken() !== true) restLater()
        }
      },
      [Symbol.asyncDispose]: async () => {
        isClosed = true
        clearTimeout(timer)
        await ended()
        await (await running?.catch(() => undefined))?.[Symbol.asyncDispose]()
      },
    },
  }
}

/** Ends a thread; gives what was begun in its place. */
const close = async (
  thread: Pick<Thread<Calls>, 'close'>,
  meanwhile: Resting['meanwhile'],
): Promise<AsyncDisposable | undefined> => {
  // First, and also where nothing follows: an optional call would leave out its argument.
  const closed = await thread.close()
  return meanwhile?.(closed)
}
