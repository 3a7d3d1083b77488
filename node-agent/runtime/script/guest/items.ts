import type { Channel } from './channel.ts'
import type { RunWords } from '../words.ts'

/** One file of a mini-batch. */
export interface Item {
  /** Path below the input's root, with `/`. */
  readonly name: string
  /** Number of the item in the whole job. */
  readonly id: number
  /** Place in this mini-batch, from 0. */
  readonly index: number
  /** A file with its bytes; gone when the mini-batch ends. */
  readonly path: () => Promise<string>
  readonly bytes: () => Promise<Uint8Array>
}

export interface MiniBatch extends Iterable<Item> {
  readonly id: number
  readonly index: number
  /** Items in it. */
  readonly size: number
  readonly length: number
  readonly items: readonly Item[]
}

export const createMiniBatch = (channel: Channel, run: RunWords): MiniBatch => {
  const items = run.names.map((name, at): Item => ({
    name,
    id: run.items[at] ?? 0,
    index: at,
    path: async () => String((await channel.call({ what: 'path', at })).value),
    bytes: async () => Uint8Array.from((await channel.call({ what: 'bytes', at })).body),
  }))
  return {
    id: run.miniBatch,
    index: run.miniBatch,
    size: items.length,
    length: items.length,
    items,
    [Symbol.iterator]: () => items[Symbol.iterator](),
  }
}
