import { thrownToText } from '#protocol/errors.ts'
import type { Log } from '#agent/ports/log.ts'
import type { TransportEvent } from '#agent/ports/transport.ts'

/** Tells every listener; one that throws does not keep the event from the others. */
export interface Bus {
  readonly emit: (event: TransportEvent) => void
  readonly on: (listener: (event: TransportEvent) => void) => Disposable
  readonly clear: () => void
}

export const createBus = (log: Log): Bus => {
  const listeners = new Set<(event: TransportEvent) => void>()
  return {
    emit: (event) => {
      for (const listener of listeners)
        try {
          listener(event)
        } catch (thrown) {
          log.error('a listener failed', { event: event.kind, detail: thrownToText(thrown) })
        }
    },
    on: (listener) => {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    clear: () => listeners.clear(),
  }
}
