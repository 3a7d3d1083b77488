import type { Answer, Channel } from './channel.ts'
import { argmax, bytesOf, countOf, softmax, toNumbers, topK, typeOfNumbers } from '../numbers.ts'
import type { Numbers, Scored } from '../numbers.ts'
import type { FeedWords, TensorWords } from '../words.ts'

/** A tensor. Small ones are here already, large ones stay in the runtime process until asked for. */
export interface Handle {
  readonly type: string
  readonly shape: readonly number[]
  readonly data: () => Promise<Numbers>
  /** For each item (first axis) the place of its largest number. */
  readonly argmax: () => Promise<number[]>
  readonly topK: (k: number) => Promise<Scored[][]>
  readonly softmax: () => Promise<Handle>
  /** Frees its memory before the mini-batch ends, which frees it anyway. */
  readonly release: () => void
}

/** Numbers of the script's own that a model is fed with. */
export interface OwnTensor {
  readonly data: Numbers | readonly number[]
  readonly shape: readonly number[]
}

/** What a handle stands for. A class, since what its keeper alone can read costs less than an entry in a WeakMap. */
class Marked {
  readonly #words: TensorWords
  constructor(tensor: TensorWords) {
    this.#words = tensor
  }
  static wordsOf(given: object): TensorWords | undefined {
    return #words in given ? given.#words : undefined
  }
}

export const createHandle = (channel: Channel, tensor: TensorWords, local?: Numbers): Handle => {
  const { id, type, shape } = tensor
  let here = local
  const ask = async (what: 'argmax' | 'softmax' | 'data'): Promise<Answer> =>
    channel.call({ what, id })
  return Object.assign(new Marked(tensor), {
    type,
    shape,
    data: async () => {
      here ??= toNumbers(type, (await ask('data')).body)
      if (here === undefined) throw new Error(`A tensor of ${type} cannot be had as numbers.`)
      return here
    },
    argmax: async () =>
      here === undefined ? ((await ask('argmax')).value as number[]) : argmax(here, shape),
    topK: async (k) => {
      if (!Number.isInteger(k) || k < 1) throw new Error(`topK(k) needs a whole number from 1.`)
      if (here !== undefined) return topK(here, shape, k)
      return (await channel.call({ what: 'topK', id, k })).value as Scored[][]
    },
    softmax: async () => {
      if (here === undefined)
        return createHandle(channel, (await ask('softmax')).value as TensorWords)
      const made = softmax(here, shape)
      return createHandle(channel, { id: 0, type: 'float32', shape, bytes: 0 }, made)
    },
    release: () => {
      if (id > 0) channel.call({ what: 'release', id }).catch(() => {})
    },
  } satisfies Handle)
}

/** Handles from an answer: those whose numbers came along are local. */
export const readTensors = (
  channel: Channel,
  tensors: readonly TensorWords[],
  body: Uint8Array,
): readonly Handle[] => {
  let at = 0
  return tensors.map((tensor) => {
    const local =
      tensor.bytes === 0 ? undefined : toNumbers(tensor.type, body.subarray(at, at + tensor.bytes))
    at += tensor.bytes
    return createHandle(channel, tensor, local)
  })
}

/** One feed as words, and the bytes that must go with it. */
export const toFeed = (name: string, given: unknown): { feed: FeedWords; body: Uint8Array[] } => {
  if (typeof given !== 'object' || given === null)
    throw new Error(`session.run was given no tensor for "${name}".`)
  const known = Marked.wordsOf(given)
  if (known !== undefined && known.id > 0) return { feed: { name, id: known.id }, body: [] }
  if (known !== undefined) throw new Error(`softmax() of "${name}": feed { data, shape } instead.`)
  const { data, shape } = given as OwnTensor
  const numbers = Array.isArray(data) ? Float32Array.from(data) : data
  const type = typeOfNumbers(numbers)
  if (type === undefined || !Array.isArray(shape))
    throw new Error(
      `session.run takes handles, or { data, shape } with a typed array; "${name}" is neither.`,
    )
  const own = numbers as Numbers
  if (countOf(shape) !== own.length)
    throw new Error(`"${name}" has ${own.length} numbers, but the shape [${shape.join(', ')}].`)
  const body = bytesOf(own)
  return { feed: { name, type, shape, bytes: body.length }, body: [body] }
}
