/** A queue whose `shift` costs nothing, with a door at the front for what comes back. */
export interface Fifo<T> {
  list: T[]
  head: number
}

export const createFifo = <T>(): Fifo<T> => ({ list: [], head: 0 })

export const push = <T>(fifo: Fifo<T>, value: T): void => {
  fifo.list.push(value)
}

export const pushFront = <T>(fifo: Fifo<T>, value: T): void => {
  fifo.list.splice(fifo.head, 0, value)
}

/** First entry for which `isStill` holds; entries before it are thrown away. Undefined if there is none. */
export const shift = <T>(fifo: Fifo<T>, isStill: (value: T) => boolean): T | undefined => {
  while (fifo.head < fifo.list.length) {
    const value = fifo.list[fifo.head++]
    if (fifo.head > 256 && fifo.head * 2 > fifo.list.length) {
      fifo.list = fifo.list.slice(fifo.head)
      fifo.head = 0
    }
    if (value !== undefined && isStill(value)) return value
  }
  return undefined
}

/** What `shift` would give, left where it is. */
export const peek = <T>(fifo: Fifo<T>, isStill: (value: T) => boolean): T | undefined => {
  const first = shift(fifo, isStill)
  if (first !== undefined) pushFront(fifo, first)
  return first
}

export const entries = <T>(fifo: Fifo<T>): readonly T[] => fifo.list.slice(fifo.head)
