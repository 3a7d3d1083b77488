import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from '#agent/ports/log.ts'
import { thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { RestingThread } from './thread/resting.ts'
import type { WriterCalls } from './writer-thread.ts'

/**
 * Has rows of forgotten jobs deleted, a transaction at a time: whoever writes meanwhile waits for one of them.
 * What is left when the agent ends is deleted after its next start.
 */
export interface RowDropper extends AsyncDisposable {
  /** Some are left now. */
  readonly look: () => void
}

export interface RowDropperDeps {
  readonly writer: Pick<RestingThread<WriterCalls>, 'call'>
  readonly log: Log
}

export const createRowDropper = ({ writer, log }: RowDropperDeps): RowDropper => {
  const stopped = new AbortController()
  const { signal } = stopped
  let isWanted = false
  let working: Promise<void> | undefined

  const work = async (): Promise<void> => {
    while (isWanted && !signal.aborted) {
      try {
        isWanted = await writer.call('dropForgotten')
      } catch (thrown) {
        if (signal.aborted) return
        log.warn('rows of a forgotten job are not deleted yet', { detail: thrownToText(thrown) })
        // A full disk may be free again.
        await wait(limits.rewriteRetryMs, undefined, { signal, ref: false }).catch(() => undefined)
      }
    }
  }
  const start = (): void => {
    working ??= work().finally(() => {
      working = undefined
      if (isWanted && !signal.aborted) start()
    })
  }
  return {
    look: () => {
      isWanted = true
      if (!signal.aborted) start()
    },
    [Symbol.asyncDispose]: async () => {
      stopped.abort()
      await working
    },
  }
}
