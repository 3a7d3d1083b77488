/** What an entry script gets from Muster: `import type { MiniBatch, ScriptContext } from 'muster-sdk/script'`. */

export interface Item {
  /** Path below the input's folder, with `/`. */
  readonly name: string
  /** Number of the item in the whole job. */
  readonly id: number
  /** Place in this mini-batch, from 0. */
  readonly index: number
  /** A copy of the file that the script may read; gone when the mini-batch ends. With `mode: direct` the file itself. */
  path(): Promise<string>
  bytes(): Promise<Uint8Array>
  /** Only with `mode: direct`: the script opens the file by itself. */
  readonly reference?: ItemReference
}

/** A file where it lies. */
export interface ItemReference {
  /** As everybody calls it: `share:pics/july/1.png`, or its path on the machine that holds it. */
  readonly place: string
  /** Where it is on this machine. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  readonly modifiedMs: number
}

export interface MiniBatch extends Iterable<Item> {
  readonly id: number
  readonly index: number
  readonly size: number
  /** Files; empty for tables. */
  readonly items: readonly Item[]
  /** Name of the input that the items are of; empty if the job has one only. */
  readonly input: string
  /** Values of the job's partition keys; empty without any. */
  readonly partition: Readonly<Record<string, string | number | boolean | null>>
  /** Names of the columns of a table; empty for files. */
  readonly columns: readonly string[]
  /** The records of a table that can be read: values by column. Broken ones count as failed. */
  rows(): Promise<readonly Row[]>
  /** What each of the rows is known by, such as `flowers.csv#7`: may be given as a row's `key`. */
  rowNames(): Promise<readonly string[]>
}

/** Texts where the table is delimited; JSON Lines and Parquet have their own types. */
export type Row = Readonly<Record<string, unknown>>

export type Numbers =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array

/** A tensor. It stays in the runtime process until its numbers are asked for. */
export interface Handle {
  readonly type: string
  readonly shape: readonly number[]
  data(): Promise<Numbers>
  /** For each item (first axis) the place of its largest number. */
  argmax(): Promise<number[]>
  topK(k: number): Promise<{ readonly index: number; readonly score: number }[][]>
  softmax(): Promise<Handle>
  release(): void
}

/** A tensor of the script's own. */
export interface OwnTensor {
  readonly data: Numbers | readonly number[]
  readonly shape: readonly number[]
}

export interface TensorFacts {
  readonly name: string
  readonly type: string
  readonly shape: readonly (number | string)[]
}

export interface Session {
  readonly name: string
  readonly inputs: readonly TensorFacts[]
  readonly outputs: readonly TensorFacts[]
  /** One tensor where the model has one input, else a map from input names to tensors. */
  run(
    feeds: Handle | OwnTensor | Readonly<Record<string, Handle | OwnTensor>>,
  ): Promise<Readonly<Record<string, Handle>>>
}

export interface ImageOptions {
  readonly width: number
  readonly height: number
  /** Default: stretch. */
  readonly fit?: 'stretch' | 'cover' | 'contain'
  /** Default: rgb. */
  readonly channels?: 'gray' | 'rgb' | 'bgr'
  /** Default: NCHW. */
  readonly layout?: 'NCHW' | 'NHWC'
  /** Default: float32. */
  readonly dtype?: 'float32' | 'uint8'
  /** Number = (byte * scale - mean) / std. Defaults: 1, 0, 1. */
  readonly scale?: number
  readonly mean?: number | readonly number[]
  readonly std?: number | readonly number[]
}

export interface DecodedImages extends Handle {
  /** The items whose pictures are in the tensor, in its order. */
  readonly items: readonly Item[]
  readonly failures: readonly { readonly item: Item; readonly message: string }[]
}

export interface Logger {
  debug(...words: readonly unknown[]): void
  info(...words: readonly unknown[]): void
  warning(...words: readonly unknown[]): void
  error(...words: readonly unknown[]): void
}

export interface SideInput {
  readonly name: string
  /** Folder in which its files lie; the script may read them. */
  readonly path: string
  /** Paths of its files below the folder, with `/`. */
  readonly files: readonly string[]
  /** All records, if it is a table. */
  rows(): Promise<readonly Row[]>
}

export interface ScriptContext {
  /** `--name value` by name; `_` has the words without a name, `raw` all of them. */
  readonly arguments: Readonly<Record<string, string | true | readonly string[]>> & {
    readonly _: readonly string[]
    readonly raw: readonly string[]
  }
  readonly environment: Readonly<Record<string, string>>
  readonly logger: Logger
  /** A folder that this worker process may write; what lies there when `run()` returns is collected. */
  readonly outputDirectory: string
  readonly workerIndex: number
  readonly device: string
  session(name?: string): Promise<Session>
  modelPath(name?: string): string
  /** One of the job's `side_inputs`: all of it is on every machine that works on the job. */
  sideInput(name: string): SideInput
  /** Folder of an input with `mode: direct`: the script may read all of it. */
  inputFolder(name?: string): string
  /** A single item that is no picture throws; of several, those that are none stand in `failures`. */
  decodeImages(items: Item | Iterable<Item>, options: ImageOptions): Promise<DecodedImages>
}
