import { limits } from '#protocol/limits.ts'
import type { ItemFailure } from '#protocol/model/rows.ts'
import type { FilesMessage, RunMessage } from '../messages.ts'
import type { Inference } from './inference.ts'
import { openSources, sourceBytes } from './item-source.ts'
import type { Sources } from './item-source.ts'
import type { RowWriter } from './row-writer.ts'
import { clearFrom } from './tensor-data.ts'
import type { TensorData } from './tensor-data.ts'
import type { TensorWriter } from './tensor-writer.ts'

/** A decoded item, or why it cannot be. */
type Found<Decoded> = Decoded | string
/** What takes time: done beside others of its kind. */
type Heavy<Decoded> = (bytes: Buffer) => Promise<Found<Decoded>>

export interface MiniBatchDeps<Decoded extends object> {
  readonly decoder: { readonly decode: (bytes: Uint8Array) => Found<Decoded> | Heavy<Decoded> }
  readonly writer: TensorWriter<Decoded>
  readonly inference: Inference
  readonly rowWriter: RowWriter
  /** Pictures that sharp decodes side by side. */
  readonly threads: number
}

export type MiniBatchOutcome =
  | {
      readonly kind: 'succeeded'
      readonly items: readonly number[]
      readonly rows: readonly string[]
      readonly failures: readonly ItemFailure[]
      /** See `RunOutcome`. */
      readonly unsure?: true
      readonly contents?: Buffer
      readonly files?: FilesMessage
    }
  | { readonly kind: 'threw'; readonly message: string }

/** Runs mini-batches one at a time: decodes part after part into one tensor and runs the model on it. */
export const createMiniBatchRunner = <Decoded extends object>(deps: MiniBatchDeps<Decoded>) => {
  const { inference, writer } = deps
  const bytesAnItem = writer.itemLength * writer.allocate(0).BYTES_PER_ELEMENT
  const most = Math.max(1, Math.floor(limits.tensorBytes / bytesAnItem))
  let tensor = writer.allocate(inference.fixedBatch ?? 0)
  return async (message: RunMessage, body: Uint8Array): Promise<MiniBatchOutcome> => {
    const part = inference.fixedBatch ?? Math.min(most, message.items.length)
    if (tensor.length < part * writer.itemLength) tensor = writer.allocate(part)
    const work = { ...openSources(message, body), rows: [], problems: [] }
    for (let first = 0; first < message.items.length; first += part) {
      const last = Math.min(first + part, message.items.length)
      const decoded = await decodePart(deps, work, tensor, [first, last])
      const problem =
        decoded.length === 0 ? undefined : await inferPart(deps, work, tensor, decoded)
      if (problem !== undefined) return { kind: 'threw', message: problem }
    }
    return closeWork(work)
  }
}

/** A mini-batch under way. */
interface Work extends Sources {
  /** Row or failure sentence by position in the mini-batch. */
  readonly rows: (string | undefined)[]
  readonly problems: (string | undefined)[]
}

const closeWork = ({ message, rows, problems, contents }: Work): MiniBatchOutcome => {
  const items: number[] = []
  const given: string[] = []
  const failures: ItemFailure[] = []
  for (const [at, item] of message.items.entries()) {
    const row = rows[at]
    if (row !== undefined) {
      items.push(item)
      given.push(row)
      continue
    }
    failures.push({ item, name: nameOf(message, at), message: problems[at] ?? noRow })
  }
  return { kind: 'succeeded', items, rows: given, failures, contents }
}

const noRow = 'The model gave no row for this item.'

/**
 * Decodes items `first` up to `last` side by side into the tensor and gives the positions of those that
 * could be, in the order in which they stand in the tensor.
 */
const decodePart = async <Decoded extends object>(
  deps: MiniBatchDeps<Decoded>,
  work: Work,
  tensor: TensorData,
  [first, last]: readonly [number, number],
): Promise<readonly number[]> => {
  const decoded: number[] = []
  const heavy: { readonly at: number; readonly decode: Heavy<Decoded> }[] = []
  const take = (at: number, found: Found<Decoded>): void => {
    if (typeof found === 'string') {
      work.problems[at] = sentence(nameOf(work.message, at), found)
      return
    }
    deps.writer.write(found, tensor, decoded.length)
    decoded.push(at)
  }
  for (let at = first; at < last; at += 1) {
    const bytes = sourceBytes(work, at)
    const found = typeof bytes === 'string' ? bytes : deps.decoder.decode(bytes)
    if (typeof found === 'function') heavy.push({ at, decode: found })
    else take(at, found)
  }
  const queue = heavy.values()
  const lane = async (): Promise<void> => {
    for (const { at, decode } of queue) {
      // Read again rather than held: a mini-batch of photos would fill the memory.
      const bytes = sourceBytes(work, at)
      take(at, typeof bytes === 'string' ? bytes : await decode(Buffer.from(bytes)))
    }
  }
  await Promise.all(Array.from({ length: Math.min(deps.threads, heavy.length) }, lane))
  return decoded
}

/** Runs the model on what stands in the tensor and writes the rows; a sentence if the model failed. */
const inferPart = async <Decoded extends object>(
  deps: MiniBatchDeps<Decoded>,
  work: Work,
  tensor: TensorData,
  decoded: readonly number[],
): Promise<string | undefined> => {
  const { fixedBatch, run } = deps.inference
  if (fixedBatch !== undefined) clearFrom(tensor, decoded.length * deps.writer.itemLength)
  const outputs = await run([{ data: tensor, itemShape: deps.writer.itemShape }], decoded.length)
  if (typeof outputs === 'string') return outputs
  for (const [index, at] of decoded.entries()) {
    const name = nameOf(work.message, at)
    const row = deps.rowWriter(name, outputs, index)
    if (typeof row !== 'string') work.problems[at] = `${name} has no row: ${row.problem}.`
    else if (row.length > limits.rowBytes) {
      work.problems[at] =
        `${name} has no row: it would be ${row.length} bytes, more than the ${limits.rowBytes} that one may have.`
    } else work.rows[at] = row
  }
  return undefined
}

const nameOf = (message: RunMessage, at: number): string => message.names[at] ?? `item ${at}`

/** `problem` is either the end of a sentence that begins with the name, or a sentence of its own. */
const sentence = (name: string, problem: string): string => {
  const isSentence = /^\p{Lu}/u.test(problem)
  // Readers of data begin theirs with the name in quotes, shortened if it is long.
  const isNamed = /^["]/.test(problem) || problem.startsWith(name)
  if (isNamed || (isSentence && problem.includes(name))) return ended(problem)
  return ended(`${name}${isSentence ? ':' : ''} ${problem}`)
}

const ended = (text: string): string => (text.endsWith('.') ? text : `${text}.`)
