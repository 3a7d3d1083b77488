import { randomUUID } from 'node:crypto'
import { copyFileSync, constants, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Tensor } from 'onnxruntime-node'
import { limits } from '#protocol/limits.ts'
import { argmax, itemsOf, softmax, topK } from '../../script/numbers.ts'
import type { Numbers } from '../../script/numbers.ts'
import type { RunMessage } from '../../messages.ts'
import { readItemFile } from '../read-item.ts'
import { createDecoding } from './decoding.ts'
import type { ScriptModel } from './model.ts'
import { Refusal, createTensors, ownTensor, tellTensor, tensorBytes } from './tensors.ts'

/** The mini-batch that a script works on. */
export interface OpenMiniBatch {
  readonly message: RunMessage
  readonly body: Uint8Array
  /** Why items could not be read or decoded, by place. */
  readonly problems: Map<number, string>
}

export interface Reply {
  readonly value: unknown
  readonly body?: readonly Uint8Array[]
}

/** What a script may ask its runtime process for. */
export interface ScriptCalls {
  readonly open: (miniBatch: OpenMiniBatch) => void
  /** Forgets the mini-batch, its tensors and its files. */
  readonly close: () => void
  /** @throws Refusal with a sentence for the script; anything else is a defect */
  readonly answer: (words: Words, body: Uint8Array) => Promise<Reply>
}

/** A head from a stranger's process: every value in it may be anything. */
export type Words = Readonly<Record<string, unknown>>

export interface CallsDeps {
  readonly model: ScriptModel | undefined
  /** Folder for files of items, readable by the script. */
  readonly itemFolder: string
  readonly threads: number
}

export const createCalls = (deps: CallsDeps): ScriptCalls => {
  const tensors = createTensors()
  const files: string[] = []
  let open: OpenMiniBatch | undefined

  const placeOf = (at: unknown): number => {
    if (open === undefined) throw new Refusal('There are items only while run() is under way.')
    if (typeof at === 'number' && Number.isInteger(at) && at >= 0 && at < open.message.items.length)
      return at
    throw new Refusal('There is no such item in this mini-batch.')
  }
  const bytesAt = (at: number): Uint8Array | string =>
    open === undefined ? 'is not there' : itemBytes(open, at)
  const decoding = createDecoding({ bytesAt, threads: deps.threads })
  const failAt = (at: number, problem: string): string => {
    const name = open?.message.names[at] ?? ''
    const sentence = problem.startsWith('"') ? problem : `${name} ${problem}`
    const ended = sentence.endsWith('.') ? sentence : `${sentence}.`
    open?.problems.set(at, ended)
    return ended
  }
  const told = (tensor: Tensor): Reply & { readonly value: { readonly id: number } } => {
    const { words, body } = tellTensor(tensor, tensors.add(tensor))
    return { value: words, body }
  }
  const numbersOf = (id: unknown): { data: Numbers; shape: readonly number[] } => {
    const tensor = tensors.get(id)
    if (tensor.type === 'string') throw new Refusal('A tensor of texts has no numbers.')
    return { data: tensor.data as Numbers, shape: tensor.dims }
  }

  const answers: Readonly<
    Record<string, (words: Words, body: Uint8Array) => Reply | Promise<Reply>>
  > = {
    bytes: ({ at }) => {
      const place = placeOf(at)
      const bytes = bytesAt(place)
      if (typeof bytes === 'string') throw new Refusal(failAt(place, bytes))
      return { value: null, body: [bytes] }
    },
    path: ({ at }) => {
      const place = placeOf(at)
      const path = join(deps.itemFolder, `${randomUUID()}-${safeName(open, place)}`)
      files.push(path)
      const problem = layOut(open, place, path)
      if (problem !== undefined) throw new Refusal(failAt(place, problem))
      return { value: path }
    },
    decode: async ({ at, options }) => {
      if (!Array.isArray(at)) throw new Refusal('decodeImages needs items.')
      const places = at.map(placeOf)
      const { tensor, decoded, failed } = await decoding(places, options)
      const { value, body } = told(tensor)
      const failures = failed.map((one) => ({ at: one.at, message: failAt(one.at, one.problem) }))
      return { value: { tensor: value, decoded, failed: failures }, body: body ?? [] }
    },
    infer: async ({ feeds }, body) => {
      const { model } = deps
      if (model === undefined) throw new Refusal('The job names no model.')
      const outputs = await model.run(readFeeds(feeds, body, tensors.get))
      const replies = outputs.map(told)
      return {
        value: replies.map((one) => one.value),
        body: replies.flatMap((one) => one.body ?? []),
      }
    },
    data: ({ id }) => ({ value: null, body: [tensorBytes(tensors.get(id))] }),
    argmax: ({ id }) => {
      const { data, shape } = numbersOf(id)
      return { value: argmax(data, shape) }
    },
    topK: ({ id, k }) => {
      const { data, shape } = numbersOf(id)
      const count = Math.min(Number(k), itemsOf(shape).each)
      if (!Number.isInteger(count) || count < 1) throw new Refusal('topK(k) needs a whole number.')
      return { value: topK(data, shape, count) }
    },
    softmax: async ({ id }) => {
      const { data, shape } = numbersOf(id)
      const made = softmax(data, shape)
      const bytes = new Uint8Array(made.buffer)
      return told(ownTensor('float32', shape, bytes))
    },
    release: ({ id }) => {
      tensors.release(id)
      return { value: null }
    },
  }
  return {
    open: (miniBatch) => {
      open = miniBatch
      tensors.mark()
    },
    close: () => {
      open = undefined
      tensors.sweep()
      for (const file of files.splice(0)) rmSync(file, { force: true })
    },
    answer: async (words, body) => {
      const what = typeof words['what'] === 'string' ? words['what'] : ''
      const reply = Object.hasOwn(answers, what) ? answers[what] : undefined
      if (reply === undefined) throw new Refusal('The runtime process knows no such call.')
      return reply(words, body)
    },
  }
}

const itemBytes = ({ message, body }: OpenMiniBatch, at: number): Uint8Array | string => {
  const source = message.sources[at]
  if (typeof source === 'string') return readItemFile(source)
  if (typeof source !== 'number') return source?.[0] ?? 'is not there'
  let start = 0
  for (let before = 0; before < at; before += 1) {
    const size = message.sources[before]
    if (typeof size === 'number') start += size
  }
  return body.subarray(start, start + source)
}

/** Letters that every file system takes; the beginning of the name that is unique stands before it. */
const safeName = (open: OpenMiniBatch | undefined, at: number): string =>
  basename(open?.message.names[at] ?? 'item')
    .replaceAll(/[^\w.-]/g, '_')
    .slice(-100)

/** The script gets a copy, never the owner's file: what it may read is then known beforehand. */
const layOut = (
  open: OpenMiniBatch | undefined,
  at: number,
  target: string,
): string | undefined => {
  const source = open?.message.sources[at]
  if (open === undefined) return 'is not there'
  if (typeof source !== 'string') {
    const bytes = itemBytes(open, at)
    if (typeof bytes === 'string') return bytes
    writeFileSync(target, bytes)
    return undefined
  }
  try {
    copyFileSync(source, target, constants.COPYFILE_FICLONE)
    return undefined
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)
    return `cannot be read: ${code} (${source})`
  }
}

const readFeeds = (
  feeds: unknown,
  body: Uint8Array,
  get: (id: unknown) => Tensor,
): Readonly<Record<string, Tensor>> => {
  if (!Array.isArray(feeds) || feeds.length > limits.modelTensors)
    throw new Refusal('session.run needs feeds.')
  let at = 0
  const entries = feeds.map((feed: unknown): [string, Tensor] => {
    const words = (typeof feed === 'object' && feed !== null ? feed : {}) as Words
    const name = String(words['name'])
    if ('id' in words) return [name, get(words['id'])]
    const bytes = Number(words['bytes'])
    if (!Number.isInteger(bytes) || bytes < 0 || at + bytes > body.length)
      throw new Refusal(`The numbers of "${name}" did not arrive whole.`)
    at += bytes
    return [name, ownTensor(words['type'], words['shape'], body.subarray(at - bytes, at))]
  })
  return Object.fromEntries(entries)
}
