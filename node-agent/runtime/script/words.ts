/**
 * What a runtime process and its script process say to each other, as heads of frames (`../frames.ts`).
 * The script process runs a stranger's code: whatever it says is checked (`../child/script/`).
 */

export interface TensorWords {
  /** Number of the tensor in the runtime process. */
  readonly id: number
  /** ONNX Runtime's word: `float32`, `uint8`, `int64`, ... */
  readonly type: string
  readonly shape: readonly number[]
  /** Bytes of it that stand in the frame's body, all of them or none; in the order of the list. */
  readonly bytes: number
}

export interface ModelWords {
  readonly name: string
  readonly path: string
  readonly inputs: readonly TensorFacts[]
  readonly outputs: readonly TensorFacts[]
}

export interface TensorFacts {
  readonly name: string
  readonly type: string
  readonly shape: readonly (number | string)[]
}

export interface InitWords {
  readonly kind: 'init'
  /** Absolute path of the bundle. */
  readonly bundle: string
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly level: 'DEBUG' | 'INFO' | 'WARNING'
  readonly outputDirectory: string
  readonly workerIndex: number
  readonly device: string
  readonly models: readonly ModelWords[]
  /** The one that is meant where the script names none; null: it must name one. */
  readonly mainModel: string | null
  readonly sideInputs: readonly SideInputWords[]
  /** Inputs whose files the script opens by itself. */
  readonly directInputs: readonly DirectInputWords[]
}

export interface DirectInputWords {
  readonly name: string
  /** Absolute folder on this machine; the script may read all of it. */
  readonly path: string
  /** What everybody calls the folder: `share:NAME/PATH`, or its path on the machine that holds it. */
  readonly place: string
}

/** Bytes and modification time of a file that the script opens by itself; null: it cannot be had. */
export type ItemFacts = readonly [bytes: number, modifiedMs: number] | null

export interface SideInputWords {
  readonly name: string
  /** Absolute folder. */
  readonly path: string
  /** Paths below it, with `/`. */
  readonly files: readonly string[]
}

/** A mini-batch: numbers and names of its items; their bytes are asked for. */
export interface RunWords {
  readonly kind: 'run'
  readonly miniBatch: number
  /** Empty where the items are records. */
  readonly items: readonly number[]
  readonly names: readonly string[]
  /** Present where the script opens the items by itself. */
  readonly facts?: readonly ItemFacts[]
  /** Present where the items are records. */
  readonly table: RecordsWords | null
  readonly partition: Readonly<Record<string, unknown>> | null
  /** Name of the input that the items are of; empty if the job has one only. */
  readonly input: string
}

export interface RecordsWords {
  /** Records of the mini-batch, broken ones too. */
  readonly records: number
  readonly columns: readonly string[]
}

export type HostWords =
  | InitWords
  | RunWords
  | { readonly kind: 'shutdown' }
  /** `value` is what was asked for; `error` is a sentence. */
  | { readonly kind: 'answer'; readonly call: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly call: number; readonly error: string }

/** One value fed to a model: a tensor the runtime process has, or numbers that stand in the body. */
export type FeedWords =
  | { readonly name: string; readonly id: number }
  | {
      readonly name: string
      readonly type: string
      readonly shape: readonly number[]
      readonly bytes: number
    }

export type CallWords =
  /** Bytes of an item, in the answer's body. `at` is its place in the mini-batch. */
  | { readonly what: 'bytes'; readonly at: number }
  /** The readable records of a table as JSON in the answer's body; `names[i]` belongs to record i. */
  | { readonly what: 'rows' }
  /** All records of a side input as JSON in the answer's body. */
  | { readonly what: 'sideRows'; readonly name: string }
  /** A path under which the script can read the item. */
  | { readonly what: 'path'; readonly at: number }
  | { readonly what: 'decode'; readonly at: readonly number[]; readonly options: unknown }
  /**
   * Each picture as a tensor of its own, and what a model makes of it alone; null: it is not fed, else `MODEL:INPUT`,
   * the place of the model and the name of its input. Answered by a list of `AheadWords`, which may end early.
   */
  | {
      readonly what: 'decodeEach'
      readonly at: readonly number[]
      readonly options: unknown
      readonly feed: string | null
    }
  /** `model` is its place in the list of models. */
  | { readonly what: 'infer'; readonly model: number; readonly feeds: readonly FeedWords[] }
  | { readonly what: 'data'; readonly id: number }
  | { readonly what: 'argmax'; readonly id: number }
  | { readonly what: 'topK'; readonly id: number; readonly k: number }
  | { readonly what: 'softmax'; readonly id: number }
  | { readonly what: 'release'; readonly id: number }

/** A picture that was not asked for yet. Bytes of outputs stand in the answer's body. */
export interface AheadWords {
  /** Null: it cannot be decoded, which is told to whoever asks for it alone. */
  readonly picture: TensorWords | null
  /** Null: the model was not run, or failed. */
  readonly outputs: readonly TensorWords[] | null
}

export interface DecodedWords {
  readonly tensor: TensorWords
  /** Places in the mini-batch of the pictures in the tensor, and of those that could not be decoded. */
  readonly decoded: readonly number[]
  readonly failed: readonly { readonly at: number; readonly message: string }[]
}

export type ScriptWords =
  | { readonly kind: 'ready' }
  | { readonly kind: 'initFailed'; readonly message: string }
  | ({ readonly kind: 'call'; readonly call: number } & CallWords)
  /** Rows stand in the body, one JSON text a line; `keys[i]` belongs to row i. */
  | {
      readonly kind: 'returned'
      readonly rows: number
      readonly keys: readonly (string | null)[] | null
    }
  | { readonly kind: 'threw'; readonly message: string }

/** Outputs up to this size come with the answer: a round trip costs more than copying them. */
export const inlineBytes = 64 * 1024
