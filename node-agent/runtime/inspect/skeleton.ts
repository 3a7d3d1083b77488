import type { FileHandle } from 'node:fs/promises'
import { fromBinary } from '@bufbuild/protobuf'
import { GraphProtoSchema, ModelProtoSchema, TensorProtoSchema } from 'onnx-buf'
import type { GraphProto, ModelProto, TensorProto } from 'onnx-buf'
import { limits } from '#protocol/limits.ts'
import { modelFault } from './fault.ts'

/** A model without its weights: what must be known before a runtime may see it. */
export interface ModelSkeleton {
  /** Everything outside the graph. */
  readonly model: ModelProto
  /** The graph without `initializer`. */
  readonly graph: GraphProto
  /** The graph's `initializer`s: names, types, shapes and where external data lies, no data. */
  readonly tensors: readonly TensorProto[]
}

/** Field numbers of `onnx.proto` that the file is split at. */
const modelGraph = 7
const graphInitializer = 5
/** dims, data_type, name, external_data, data_location: all of a tensor but its data. */
const tensorFacts: ReadonlySet<number> = new Set([1, 2, 8, 13, 14])

/**
 * Reads a model's file without its weights, so that a large one costs neither memory nor a blocked agent.
 * Fields of a protobuf message may be cut out and joined in any number: what is kept is decoded by the
 * schema. @throws MusterFailure `ModelBroken`, `ModelTooLarge`
 */
export const readSkeleton = async (file: FileHandle, size: number): Promise<ModelSkeleton> => {
  const source = createWindow(file, size)
  const model = createKeeper(source)
  const graph = createKeeper(source)
  const tensors: TensorProto[] = []
  await eachField(source, 0, size, async (field) => {
    if (field.number !== modelGraph) return await model.keep(field)
    if (field.wire !== 2) throw broken('its graph is not a message')
    await eachField(source, field.dataStart, field.end, async (inner) => {
      if (inner.number !== graphInitializer) return await graph.keep(inner)
      if (tensors.length === limits.modelTensors) throw tooManyTensors()
      tensors.push(await readTensorFacts(source, inner))
    })
  })
  try {
    return {
      model: fromBinary(ModelProtoSchema, model.joined()),
      graph: fromBinary(GraphProtoSchema, graph.joined()),
      tensors,
    }
  } catch (thrown) {
    throw broken('a part of it cannot be decoded', thrown)
  }
}

const readTensorFacts = async (source: Window, tensor: Field): Promise<TensorProto> => {
  const facts = createKeeper(source)
  await eachField(source, tensor.dataStart, tensor.end, async (field) => {
    if (tensorFacts.has(field.number)) await facts.keep(field)
  })
  try {
    return fromBinary(TensorProtoSchema, facts.joined())
  } catch (thrown) {
    throw broken('one of its weights cannot be decoded', thrown)
  }
}

/** One field of a message: bytes `start` to `end` of the file, its data from `dataStart` on. */
interface Field {
  readonly number: number
  readonly wire: number
  readonly start: number
  readonly dataStart: number
  readonly end: number
}

const eachField = async (
  source: Window,
  start: number,
  end: number,
  visit: (field: Field) => Promise<void>,
): Promise<void> => {
  let at = start
  while (at < end) {
    const tag = await source.varint(at)
    const number = Math.floor(tag.value / 8)
    const wire = tag.value % 8
    const length = await dataLength(source, wire, tag.end)
    const field = { number, wire, start: at, dataStart: length.start, end: length.end }
    if (number === 0) throw broken(`byte ${at} does not begin a field`)
    if (field.end > end) {
      throw broken(`it ends too early, in the middle of a part that needs ${field.end} bytes`)
    }
    await visit(field)
    at = field.end
  }
}

const dataLength = async (
  source: Window,
  wire: number,
  at: number,
): Promise<{ readonly start: number; readonly end: number }> => {
  switch (wire) {
    case 0:
      return { start: at, end: (await source.varint(at)).end }
    case 1:
      return { start: at, end: at + 8 }
    case 2: {
      const length = await source.varint(at)
      return { start: length.end, end: length.end + length.value }
    }
    case 5:
      return { start: at, end: at + 4 }
    default:
      throw broken(`byte ${at} is of no type that ONNX uses`)
  }
}

/** Collects the bytes of fields, up to the limit of a model's graph. */
const createKeeper = (source: Window) => {
  const parts: Uint8Array[] = []
  let total = 0
  return {
    keep: async (field: Field): Promise<void> => {
      total += field.end - field.start
      if (total > limits.modelGraphBytes) throw graphTooLarge()
      parts.push(await source.bytes(field.start, field.end))
    },
    joined: (): Uint8Array =>
      parts.length === 1 ? (parts[0] ?? new Uint8Array()) : Buffer.concat(parts),
  }
}

interface Window {
  /** A number up to 2^53 and the position behind it. */
  readonly varint: (at: number) => Promise<{ readonly value: number; readonly end: number }>
  /** A copy of bytes `start` to `end`. */
  readonly bytes: (start: number, end: number) => Promise<Uint8Array>
}

const windowBytes = 256 * 1024
const longestVarint = 10

/** Reads a file forwards through one buffer. */
const createWindow = (file: FileHandle, size: number): Window => {
  const buffer = Buffer.alloc(windowBytes)
  let from = 0
  let held = 0
  const fill = async (at: number): Promise<void> => {
    from = at
    held = (await file.read(buffer, 0, windowBytes, at)).bytesRead
  }
  return {
    varint: async (at) => {
      const wanted = Math.min(longestVarint, size - at)
      if (at < from || at + wanted > from + held) await fill(at)
      let value = 0
      for (let index = 0; index < wanted; index += 1) {
        const byte = buffer[at - from + index] ?? 0
        value += (byte & 127) * 2 ** (7 * index)
        if (byte < 128) return { value, end: at + index + 1 }
      }
      throw broken(`it ends too early, at byte ${size}`)
    },
    bytes: async (start, end) => {
      const copy = Buffer.alloc(end - start)
      if (start >= from && end <= from + held) {
        buffer.copy(copy, 0, start - from, end - from)
        return copy
      }
      const read = await file.read(copy, 0, copy.length, start)
      if (read.bytesRead !== copy.length) throw broken(`it ends too early, at byte ${size}`)
      return copy
    },
  }
}

const broken = (reason: string, thrown?: unknown) => modelFault('ModelBroken', reason, thrown)
const tooManyTensors = () =>
  modelFault('ModelTooLarge', `it lists more than ${limits.modelTensors} weights`)
const graphTooLarge = () =>
  modelFault(
    'ModelTooLarge',
    `its graph without the weights is larger than ${limits.modelGraphBytes / 2 ** 20} MiB`,
  )
