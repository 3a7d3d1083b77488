import type { DecodedWords, TensorWords } from '../words.ts'
import type { Ahead } from './ahead.ts'
import type { Channel } from './channel.ts'
import { readTensors } from './handles.ts'
import type { Handle } from './handles.ts'
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
export const createDecodeImages =
  (channel: Channel, ahead: Ahead): DecodeImages =>
  async (given, options) => {
    if (Symbol.iterator in given) return decodeMany(channel, [...given], options)
    const tensor = await ahead.picture(given, options)
    if (tensor !== undefined) {
      const handle = handleOf(channel, tensor)
      const free = handle.release
      const release = (): void => {
        ahead.released(tensor.id)
        free()
      }
      return Object.assign(handle, { items: [given], failures: [], release })
    }
    const images = await decodeMany(channel, [given], options)
    const [first] = images.failures
    if (first !== undefined) throw new Error(first.message)
    return images
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
