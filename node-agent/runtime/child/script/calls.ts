import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Tensor } from 'onnxruntime-node'
import { limits } from '#protocol/limits.ts'
import { argmax, softmax, topK } from '../../script/numbers.ts'
import type { Numbers } from '../../script/numbers.ts'
import type { TensorWords } from '../../script/words.ts'
import type { SideInputStart } from '../../messages.ts'
import { makeAhead } from './ahead.ts'
import type { AheadDeps } from './ahead.ts'
import { createDecoding } from './decoding.ts'
import type { ScriptModel } from './model.ts'
import { sourceBytes } from '../item-source.ts'
import { layOut, safeName } from './open-mini-batch.ts'
import type { OpenMiniBatch } from './open-mini-batch.ts'
import { readSideRows } from './side-rows.ts'
import { Refusal, createTensors, ownTensor, tellTensor, tensorBytes } from './tensors.ts'

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
  /** In the order in which the script knows them. */
  readonly models: readonly ScriptModel[]
  /** Folder for files of items, readable by the script. */
  readonly itemFolder: string
  readonly threads: number
  readonly sideInputs: readonly SideInputStart[]
}

/** All that calls work on. */
interface Desk extends CallsDeps, AheadDeps {
  readonly files: string[]
  open: OpenMiniBatch | undefined
  /** Milliseconds of the last inference. */
  lastMs: number | undefined
}

export const createCalls = (deps: CallsDeps): ScriptCalls => {
  const decoding = createDecoding({ bytesAt: (at) => bytesAt(desk, at), threads: deps.threads })
  const desk: Desk = {
    ...deps,
    tensors: createTensors(),
    decoding,
    files: [],
    open: undefined,
    lastMs: undefined,
    inferMs: () => desk.lastMs,
  }
  return {
    open: (miniBatch) => {
      desk.open = miniBatch
      desk.tensors.mark()
    },
    close: () => {
      desk.open = undefined
      desk.tensors.sweep()
      for (const file of desk.files.splice(0)) rmSync(file, { force: true })
    },
    answer: async (words, body) => {
      const what = typeof words['what'] === 'string' ? words['what'] : ''
      const reply = Object.hasOwn(answers, what) ? answers[what] : undefined
      if (reply === undefined) throw new Refusal('The runtime process knows no such call.')
      return reply(desk, words, body)
    },
  }
}

type AnswerCall = (desk: Desk, words: Words, body: Uint8Array) => Reply | Promise<Reply>

const answers: Readonly<Record<string, AnswerCall>> = {
  bytes: (desk, { at }) => {
    const place = placeOf(desk, at)
    const bytes = bytesAt(desk, place)
    if (typeof bytes === 'string') throw new Refusal(failAt(desk, place, bytes))
    return { value: null, body: [bytes] }
  },
  rows: ({ open }) => {
    const records = open?.records
    if (records === undefined) throw new Refusal('There are records only in a table.')
    const text = Buffer.from(JSON.stringify(records.values))
    if (text.length > limits.scriptFrameBytes)
      throw new Refusal(
        `The ${records.values.length} records of this mini-batch are ${text.length} bytes as JSON, more than the ${limits.scriptFrameBytes} that one may have: use smaller mini-batches.`,
      )
    return { value: records.names, body: [text] }
  },
  sideRows: async ({ sideInputs }, { name }) => ({
    value: null,
    body: [await readSideRows(sideInputs, name)],
  }),
  path: (desk, { at }) => {
    const place = placeOf(desk, at)
    const path = join(desk.itemFolder, `${randomUUID()}-${safeName(desk.open, place)}`)
    desk.files.push(path)
    const problem = layOut(desk.open, place, path)
    if (problem !== undefined) throw new Refusal(failAt(desk, place, problem))
    return { value: path }
  },
  decode: async (desk, { at, options }) => {
    if (!Array.isArray(at) || at.length > limits.miniBatchItems)
      throw new Refusal('decodeImages needs items.')
    const places = at.map((place) => placeOf(desk, place))
    const { tensor, decoded, failed } = await desk.decoding(places, options)
    // Pictures are for the model: their numbers are hardly ever asked for here.
    const { words } = tell(desk, tensor)
    const told = failed.map((one) => ({ at: one.at, message: failAt(desk, one.at, one.problem) }))
    return { value: { tensor: { ...words, bytes: 0 }, decoded, failed: told } }
  },
  decodeEach: async (desk, { at, options, feed }) => {
    if (!Array.isArray(at) || at.length === 0 || at.length > mostDecodedEach)
      throw new Refusal('decodeImages needs items.')
    const places = at.map((one) => placeOf(desk, one))
    // Nobody has asked for these yet: one that cannot be decoded has not failed.
    return makeAhead(desk, places, options, typeof feed === 'string' ? feed : null)
  },
  infer: async (desk, { feeds, model: at }, body) => {
    const model = typeof at === 'number' ? desk.models[at] : undefined
    if (model === undefined) throw new Refusal('The job has no such model.')
    const startedAt = performance.now()
    const outputs = await model.run(readFeeds(feeds, body, desk.tensors.get))
    desk.lastMs = performance.now() - startedAt
    const told = outputs.map((tensor) => tell(desk, tensor))
    return { value: told.map((one) => one.words), body: told.flatMap((one) => one.body) }
  },
  data: (desk, { id }) => ({ value: null, body: [tensorBytes(desk.tensors.get(id))] }),
  argmax: (desk, { id }) => {
    const { data, shape } = numbersOf(desk, id)
    return { value: argmax(data, shape) }
  },
  topK: (desk, { id, k }) => {
    const { data, shape } = numbersOf(desk, id)
    if (!Number.isInteger(k) || Number(k) < 1) throw new Refusal('topK(k) needs a whole number.')
    return { value: topK(data, shape, Number(k)) }
  },
  softmax: (desk, { id }) => {
    const { data, shape } = numbersOf(desk, id)
    const bytes = new Uint8Array(softmax(data, shape).buffer)
    const { words, body } = tell(desk, ownTensor('float32', shape, bytes))
    return { value: words, body }
  },
  release: (desk, { id }) => {
    desk.tensors.release(id)
    return { value: null }
  },
}

const mostDecodedEach = 64

const placeOf = ({ open }: Desk, at: unknown): number => {
  if (open === undefined) throw new Refusal('There are items only while run() is under way.')
  if (typeof at === 'number' && Number.isInteger(at) && at >= 0 && at < open.message.items.length)
    return at
  throw new Refusal('There is no such item in this mini-batch.')
}

const bytesAt = ({ open }: Desk, at: number): Uint8Array | string =>
  open === undefined ? 'is not there' : sourceBytes(open, at)

/** Remembers why an item failed; the sentence begins with its name. */
const failAt = ({ open }: Desk, at: number, problem: string): string => {
  const name = open?.message.names[at] ?? ''
  const named = problem.startsWith('"') || problem.startsWith(name)
  const sentence = named ? problem : `${name} ${problem}`
  const ended = sentence.endsWith('.') ? sentence : `${sentence}.`
  open?.problems.set(at, ended)
  return ended
}

const tell = (
  desk: Desk,
  tensor: Tensor,
): { readonly words: TensorWords; readonly body: readonly Uint8Array[] } =>
  tellTensor(tensor, desk.tensors.add(tensor))

const numbersOf = (desk: Desk, id: unknown): { data: Numbers; shape: readonly number[] } => {
  const tensor = desk.tensors.get(id)
  if (tensor.type === 'string') throw new Refusal('A tensor of texts has no numbers.')
  return { data: tensor.data as Numbers, shape: tensor.dims }
}

const readFeeds = (
  feeds: unknown,
  body: Uint8Array,
  get: (id: unknown) => Tensor,
): Readonly<Record<string, Tensor>> => {
  if (!Array.isArray(feeds) || feeds.length > limits.scriptFeeds)
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
