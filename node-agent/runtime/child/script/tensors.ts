import { Tensor } from 'onnxruntime-node'
import { limits } from '#protocol/limits.ts'
import { countOf, toNumbers } from '../../script/numbers.ts'
import type { Numbers } from '../../script/numbers.ts'
import { inlineBytes } from '../../script/words.ts'
import type { TensorWords } from '../../script/words.ts'

/** A sentence for the script: what it asked for cannot be had. */
export class Refusal extends Error {}

/** Tensors that a script holds handles of. */
export interface Tensors {
  readonly add: (tensor: Tensor) => number
  /** @throws Refusal for a handle that is not, or no longer, there */
  readonly get: (id: unknown) => Tensor
  readonly release: (id: unknown) => void
  /** From now on tensors are kept until the next mark at most; what is there stays. */
  readonly mark: () => void
  /** Frees what was added since the mark. */
  readonly sweep: () => void
}

export const createTensors = (): Tensors => {
  const held = new Map<number, Tensor>()
  let bytes = 0
  let next = 1
  let marked = 1

  const release = (id: number): void => {
    const tensor = held.get(id)
    if (tensor === undefined) return
    held.delete(id)
    bytes -= sizeOf(tensor)
  }
  return {
    add: (tensor) => {
      bytes += sizeOf(tensor)
      if (bytes > limits.scriptHandleBytes || held.size >= limits.scriptHandles) {
        bytes -= sizeOf(tensor)
        throw new Refusal(
          `The script holds ${held.size} tensors of ${bytes} bytes, and more than ${limits.scriptHandleBytes} bytes are not kept for it: call release() on those it is done with.`,
        )
      }
      held.set(next, tensor)
      next += 1
      return next - 1
    },
    get: (id) => {
      const tensor = typeof id === 'number' ? held.get(id) : undefined
      if (tensor !== undefined) return tensor
      throw new Refusal(
        'This tensor is gone: tensors live until their mini-batch ends, or until release().',
      )
    },
    release: (id) => {
      if (typeof id === 'number') release(id)
    },
    mark: () => {
      marked = next
    },
    sweep: () => {
      for (const id of held.keys()) if (id >= marked) release(id)
    },
  }
}

const sizeOf = (tensor: Tensor): number =>
  tensor.type === 'string' ? 64 * tensor.size : (tensor.data as Numbers).byteLength

/** Words about a tensor and, if it is small, its bytes. */
export const tellTensor = (
  tensor: Tensor,
  id: number,
): { readonly words: TensorWords; readonly body: readonly Uint8Array[] } => {
  const body = tensor.type === 'string' ? undefined : tensorBytes(tensor)
  const bytes = body !== undefined && body.length <= inlineBytes ? body.length : 0
  const words = { id, type: tensor.type, shape: [...tensor.dims], bytes }
  return { words, body: body === undefined || bytes === 0 ? [] : [body] }
}

export const tensorBytes = (tensor: Tensor): Uint8Array => {
  const { data } = tensor
  if (Array.isArray(data)) throw new Refusal('A tensor of texts cannot be had as numbers.')
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/** A tensor of the script's own numbers. @throws Refusal if they do not fit their description */
export const ownTensor = (type: unknown, shape: unknown, bytes: Uint8Array): Tensor => {
  const dims = Array.isArray(shape) ? (shape as readonly unknown[]) : []
  const sound = dims.every((size) => Number.isSafeInteger(size) && Number(size) >= 0)
  const sizes = dims as readonly number[]
  const numbers = typeof type === 'string' ? toNumbers(type, bytes) : undefined
  if (!sound || numbers === undefined || countOf(sizes) !== numbers.length)
    throw new Refusal(
      `${bytes.length} bytes are no ${String(type)} tensor of [${sizes.join(', ')}].`,
    )
  return new Tensor(type as 'float32', numbers as Float32Array, [...sizes])
}
