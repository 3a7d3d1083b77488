import type { Tensor } from 'onnxruntime-node'
import { limits } from '#protocol/limits.ts'
import { inlineBytes } from '../../script/words.ts'
import type { AheadWords } from '../../script/words.ts'
import type { Decoding } from './decoding.ts'
import type { ScriptModel } from './model.ts'
import { tellTensor, tensorBytes } from './tensors.ts'
import type { Tensors } from './tensors.ts'

/** What pictures that a script will most likely ask for are made with. */
export interface AheadDeps {
  readonly decoding: Decoding
  readonly models: readonly ScriptModel[]
  readonly tensors: Tensors
  /** Milliseconds that the last inference took; undefined: there was none. */
  readonly inferMs: () => number | undefined
}

export interface AheadReply {
  readonly value: readonly AheadWords[]
  readonly body: readonly Uint8Array[]
}

/**
 * Decodes pictures one by one and, where a model input is given and the model is quick, runs the model on each
 * alone: exactly what the script would do. Stops when it takes longer than a round trip is worth, or more memory.
 */
export const makeAhead = async (
  deps: AheadDeps,
  places: readonly number[],
  options: unknown,
  feed: string | null,
): Promise<AheadReply> => {
  const { decoding, tensors } = deps
  const until = performance.now() + limits.scriptAheadMs
  const value: AheadWords[] = []
  const body: Uint8Array[] = []
  let room: number = limits.scriptAheadBytes
  for (const place of places) {
    const { tensor, failed } = await decoding([place], options)
    if (failed.length > 0) value.push({ picture: null, outputs: null })
    else {
      room -= tensorBytes(tensor).length
      const outputs = feed === null ? undefined : await inferAhead(deps, tensor, feed)
      const picture = { ...tellTensor(tensor, tensors.add(tensor)).words, bytes: 0 }
      const told = outputs?.map((one) => tellTensor(one, tensors.add(one)))
      value.push({ picture, outputs: told?.map(({ words }) => words) ?? null })
      for (const one of told ?? []) body.push(...one.body)
    }
    if (room < 0 || performance.now() > until) break
  }
  return { value, body }
}

/** Undefined: the script shall ask itself, and hear what is wrong. */
const inferAhead = async (
  { models, inferMs }: AheadDeps,
  tensor: Tensor,
  feed: string,
): Promise<readonly Tensor[] | undefined> => {
  // `MODEL:INPUT`
  const at = feed.indexOf(':')
  const model = models[Number(feed.slice(0, at))]
  if (model === undefined || (inferMs() ?? Infinity) > limits.scriptAheadMs / 2) return undefined
  try {
    const outputs = await model.run({ [feed.slice(at + 1)]: tensor })
    const small = outputs.every(
      (one) => one.type !== 'string' && tensorBytes(one).length <= inlineBytes,
    )
    return small ? outputs : undefined
  } catch {
    return undefined
  }
}
