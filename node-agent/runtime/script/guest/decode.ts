import type { DecodedWords, TensorWords } from '../words.ts'
import type { Channel } from './channel.ts'
import { readTensors } from './handles.ts'
import type { Handle } from './handles.ts'
import { miniBatchOf } from './items.ts'
import type { Item, MiniBatch } from './items.ts'

/** Pictures as one tensor. */
export interface DecodedImages extends Handle {
  /** The items whose pictures are in the tensor, in its order. */
  readonly items: readonly Item[]
  /** Those that are no pictures; they count as failed unless the script returns a row for each item. */
  readonly failures: readonly { readonly item: Item; readonly message: string }[]
}

export type DecodeImages = (
  items: Item | MiniBatch | Iterable<Item>,
  options: object,
) => Promise<DecodedImages>

/** Decodes one picture, or many into one tensor. */
export const createDecodeImages = (channel: Channel): DecodeImages => {
  const ahead = createAhead(channel)
  return async (given, options) => {
    if (Symbol.iterator in given) return decodeMany(channel, [...given], options)
    const tensor = await ahead(given, options)
    if (tensor !== undefined)
      return Object.assign(handleOf(channel, tensor), { items: [given], failures: [] })
    const images = await decodeMany(channel, [given], options)
    const [first] = images.failures
    if (first !== undefined) throw new Error(first.message)
    return images
  }
}

const decodeMany = async (
  channel: Channel,
  items: readonly Item[],
  options: object,
): Promise<DecodedImages> => {
  const at = items.map((item) => item.index)
  const { value, body } = await channel.call({ what: 'decode', at, options })
  const { tensor, decoded, failed } = value as DecodedWords
  const byPlace = new Map(items.map((item) => [item.index, item]))
  const failures = failed.flatMap(({ at: place, message }) => {
    const item = byPlace.get(place)
    return item === undefined ? [] : [{ item, message }]
  })
  const found = decoded.flatMap((place) => byPlace.get(place) ?? [])
  return Object.assign(handleOf(channel, tensor, body), { items: found, failures })
}

const handleOf = (
  channel: Channel,
  tensor: TensorWords,
  body: Uint8Array = new Uint8Array(),
): Handle => {
  const [handle] = readTensors(channel, [tensor], body)
  if (handle === undefined) throw new Error('The runtime process gave no tensor.')
  return handle
}

/** Pictures decoded ahead at once, at most. */
const mostAhead = 16

/**
 * A script that asks for one picture after the other, in their order and with the same options, most likely goes
 * on: as many as it has asked for so far are then decoded with one round trip. Undefined: ask for this one alone.
 */
const createAhead = (
  channel: Channel,
): ((item: Item, options: object) => Promise<TensorWords | undefined>) => {
  let miniBatch: MiniBatch | undefined
  let wish = ''
  let next = 0
  let inRow = 0
  const known = new Map<number, Promise<TensorWords | undefined>>()

  const fetch = (first: number, count: number, options: object): void => {
    const at = Array.from({ length: count }, (_, i) => first + i)
    const answer = channel
      .call({ what: 'decodeEach', at, options })
      .then(({ value }) => value as readonly (TensorWords | null)[])
      // What is wrong is told to whoever asks for the picture itself.
      .catch(() => [])
    for (const [i, place] of at.entries())
      known.set(
        place,
        answer.then((tensors) => tensors[i] ?? undefined),
      )
  }
  return async (item, options) => {
    const of = miniBatchOf(item)
    const same = JSON.stringify(options)
    if (of !== miniBatch || same !== wish || item.index !== next) {
      known.clear()
      inRow = 0
    }
    miniBatch = of
    wish = same
    next = item.index + 1
    inRow += 1
    const count = Math.min(mostAhead, inRow, (of?.size ?? 0) - item.index)
    if (!known.has(item.index) && inRow > 2 && count > 1) fetch(item.index, count, options)
    const tensor = known.get(item.index)
    known.delete(item.index)
    return tensor
  }
}
