/** How an item becomes the model's input tensor. Pixel value = byte * scale, then (value - mean) / std. */
export interface ImagePreprocess {
  readonly decode: 'image'
  readonly width: number
  readonly height: number
  /** `stretch` ignores the aspect ratio; `cover` fills and cuts the middle; `contain` pads with black. */
  readonly fit: 'stretch' | 'cover' | 'contain'
  readonly channels: 'gray' | 'rgb' | 'bgr'
  readonly layout: 'NCHW' | 'NHWC'
  readonly dtype: 'float32' | 'uint8'
  readonly scale: number
  readonly mean: readonly number[]
  readonly std: readonly number[]
  /** Name of the model's input; undefined when it has only one. */
  readonly input?: string
}

/** Every word for `TensorType`. */
export const tensorTypes = ['float32', 'float64', 'int64', 'int32', 'int8', 'uint8'] as const

/** Types of the numbers that a tensor may hold. */
export type TensorType = (typeof tensorTypes)[number]

/**
 * Files that hold tensors themselves: a `.npy` file, or just the numbers, little-endian and in C order.
 * Value = number * scale, then (value - mean) / std.
 */
export interface TensorPreprocess {
  readonly decode: 'tensor'
  /** Shape of one item, without the batch axis. */
  readonly shape: readonly number[]
  /** Type of the model's input, and of numbers in a file that does not tell. */
  readonly dtype: TensorType
  readonly scale: number
  readonly mean: number
  readonly std: number
  readonly input?: string
}

/** Columns of a table that one input of the model takes. */
export interface ColumnsInput {
  /** Name of the model's input; undefined when it has only one. */
  readonly input?: string
  /** In the order in which they stand in the tensor; empty: all columns as the table has them. */
  readonly columns: readonly string[]
  readonly dtype: TensorType | 'string'
  /** One number for all columns, or one for each. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
  /** Stands for an empty cell; undefined: a record with one is a failed item. */
  readonly missing?: number
}

/** Records of a table: one tensor for each input of the model. */
export interface ColumnsPreprocess {
  readonly decode: 'columns'
  readonly inputs: readonly ColumnsInput[]
}

/** How an item becomes what the model takes. */
export type Preprocess = ImagePreprocess | TensorPreprocess | ColumnsPreprocess

/** What is made of an output; how its fields count for each is told at `Postprocess`. */
export type PostprocessKind = 'argmax' | 'softmax' | 'top-k' | 'threshold' | 'embedding' | 'raw'

/** Least score of a class that is reported, where none is said. */
export const defaultThreshold = 0.5

/** How one output of the model becomes a row, or a part of one. */
export interface Postprocess {
  readonly kind: PostprocessKind
  /** Apply softmax before scores are reported. */
  readonly softmax: boolean
  readonly k: number
  /** Names of the classes in the order of the output; empty: their numbers are used. */
  readonly labels: readonly string[]
  /** Name of the model's output; undefined when it has only one. */
  readonly output?: string
  /** `threshold`: classes with at least this score are reported. Undefined: `defaultThreshold`. */
  readonly threshold?: number
  /** `threshold`: scores are 1 / (1 + e^-x) of the model's numbers. Undefined: false. */
  readonly sigmoid?: boolean
  /** `embedding`: scaled to length 1. Undefined: false. */
  readonly normalize?: boolean
}
