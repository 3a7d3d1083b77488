import { musterError, MusterFailure } from '#protocol/errors.ts'

/** A fixed number of places; who comes when all are taken waits its turn, in order. */
export interface Places {
  /** @throws MusterFailure `Aborted`, or `TimedOut` after `waitMs`. */
  readonly take: (signal?: AbortSignal) => Promise<void>
  readonly give: () => void
}

export const createPlaces = (count: number, waitMs: number, what: string): Places => {
  const waiting: (() => void)[] = []
  let free = count

  const take = async (signal?: AbortSignal): Promise<void> => {
    if (free > 0) {
      free--
      return
    }
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        const index = waiting.indexOf(onPlace)
        if (index >= 0) waiting.splice(index, 1)
      }
      const onPlace = (): void => {
        leave()
        resolve()
      }
      const onAbort = (): void => {
        leave()
        reject(new MusterFailure(musterError('Aborted', `${what} was given up.`)))
      }
      const onWait = (): void => {
        leave()
        const sentence = `${what} waited ${waitMs / 1000} s for one of ${count} places and was given up; it is tried again.`
        reject(new MusterFailure(musterError('TimedOut', sentence, { retryable: true })))
      }
      const timer = setTimeout(onWait, waitMs)
      waiting.push(onPlace)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** A place that comes free while somebody waits is handed over, so `free` stays as it is. */
  const give = (): void => {
    const next = waiting.shift()
    if (next === undefined) free++
    else next()
  }

  return { take, give }
}
