import type { RunSource, RunTable } from '#agent/ports/runtime.ts'
import type { ErrorCode } from '#protocol/errors.ts'
import type { ItemIndex, MiniBatchIndex } from '#protocol/model/ids.ts'
import type { Postprocess, Preprocess } from '#protocol/model/processing.ts'
import type { TableInput } from '#protocol/model/input.ts'
import type { Partition } from '#protocol/model/plan.ts'
import type { ItemFailure, OutputFile } from '#protocol/model/rows.ts'
import { isOutputPath } from '#protocol/wire/chunk/output-path.ts'
import type { ItemPlace } from '#agent/ports/runtime.ts'
import { isProvider } from './devices/providers.ts'
import type { DeviceChoice, DevicePlan } from './devices/providers.ts'
import type { InitWords, ItemFacts, SideInputWords } from './script/words.ts'

/** First word of the agent: what to load. Answered by `ready` or `refused`. */
export interface StartMessage {
  readonly kind: 'start'
  /** The model as people know it, for sentences. */
  readonly modelName: string
  readonly modelPath: string
  readonly threads: number
  readonly plan: DevicePlan
  readonly preprocess: Preprocess
  readonly postprocess: readonly Postprocess[]
}

/** The same for a job with a script, whose process is at the other end of a pipe of its own. */
export interface ScriptStartMessage {
  readonly kind: 'startScript'
  /** All models of the job; it may have none. */
  readonly models: readonly ScriptModelStart[]
  readonly threads: number
  readonly plan: DevicePlan
  /** Folder for files of items, readable by the script process. */
  readonly itemFolder: string
  /** Folder for packs of files that the script leaves; out of its reach. */
  readonly packFolder: string
  /** Must not outlive this process. */
  readonly scriptPid: number
  /** Descriptor of the pipe to it. */
  readonly scriptPipe: number
  readonly sideInputs: readonly SideInputStart[]
  readonly init: Omit<InitWords, 'kind' | 'models' | 'sideInputs'>
}

/** A model as a script's runtime process gets it. */
export interface ScriptModelStart {
  /** What the script asks for. */
  readonly name: string
  /** The model as people know it, for sentences. */
  readonly modelName: string
  readonly modelPath: string
}

/** A side input as a script's runtime process gets it. */
export interface SideInputStart extends SideInputWords {
  /** Present exactly where it is a table. */
  readonly table?: Pick<TableInput, 'format' | 'delimiter' | 'header'>
}

/** No more mini-batches: the script may clean up. */
export interface ShutdownMessage {
  readonly kind: 'shutdown'
}

/** The script process is gone: all that was kept for it goes too, but for the model. Answered by `left`. */
export interface EndScriptMessage {
  readonly kind: 'endScript'
}

/**
 * Where one item's bytes are: a path that was checked, their length in the frame's body, `[problem]`, or
 * `[number of its place, bytes, modifiedMs]` of a file that is still to be checked.
 */
export type ItemSource = string | number | readonly [string] | readonly [number, number, number]

/** `RunSource` with the length of its bytes in the frame's body in place of the bytes, and a number for its footer. */
export type SourceWords = Omit<RunSource, 'content'> & {
  readonly content:
    | Exclude<RunSource['content'], { bytes: unknown }>
    | { readonly bytes: number; readonly footer?: number }
}

/** A mini-batch of a table. Bytes of sources stand in the frame's body in their order, then the footers. */
export type TableWords = Omit<RunTable, 'sources'> & {
  readonly sources: readonly SourceWords[]
  /** Their lengths. */
  readonly footers: readonly number[]
}

/** One mini-batch in columns. Bodies of items stand in the frame's body in their order. */
export interface RunMessage {
  readonly kind: 'run'
  readonly miniBatch: MiniBatchIndex
  /** Present where the items are records; `items`, `names` and `sources` are empty then. */
  readonly table?: TableWords
  readonly partition?: Partition
  /** Name of the input that the items are of. */
  readonly input?: string
  readonly items: readonly ItemIndex[]
  readonly names: readonly string[]
  readonly sources: readonly ItemSource[]
  /** Size and time of each item that the script opens by itself, null for one that it cannot; left out: none is. */
  readonly facts?: readonly ItemFacts[]
  /** Folders of items in place. */
  readonly places: readonly ItemPlace[]
}

/** Another process of the job has measured what computes best. Not answered. */
export interface DeviceMessage {
  readonly kind: 'device'
  readonly plan: DevicePlan
}

export type AgentMessage =
  | StartMessage
  | ScriptStartMessage
  | RunMessage
  | DeviceMessage
  | ShutdownMessage
  | EndScriptMessage

export interface ReadyMessage {
  readonly kind: 'ready'
  /** Milliseconds to load the model. */
  readonly loadMs: number
}

export interface RefusedMessage {
  readonly kind: 'refused'
  readonly code: ErrorCode
  readonly message: string
  readonly detail: string
}

/** Rows stand in the frame's body, one a line: JSON text has no line breaks of its own. */
export interface SucceededMessage {
  readonly kind: 'succeeded'
  readonly miniBatch: MiniBatchIndex
  readonly items: readonly ItemIndex[]
  readonly failures: readonly ItemFailure[]
  readonly runMs: number
  /** See `RunOutcome`. */
  readonly unsure?: true
  /** The same, in base64. */
  readonly contents?: string
  readonly files?: FilesMessage
}

/** Files that a script left, in a pack that stands in the start message's folder. */
export interface FilesMessage {
  /** The pack's name: a UUID. */
  readonly pack: string
  readonly list: readonly OutputFile[]
}

export interface ThrewMessage {
  readonly kind: 'threw'
  readonly miniBatch: MiniBatchIndex
  readonly message: string
  readonly runMs: number
}

/** Nothing of the script that was is left here; the next one may start. */
export interface LeftMessage {
  readonly kind: 'left'
}

/** What computes from now on; said before the answer to the mini-batch on which it was measured. */
export interface ChosenMessage extends DeviceChoice {
  readonly kind: 'chosen'
}

export type ProcessMessage =
  ReadyMessage | RefusedMessage | SucceededMessage | ThrewMessage | ChosenMessage | LeftMessage

/**
 * Checks what a worker process said. It decodes files of strangers with native code, so its word is
 * not taken for granted. Undefined: nonsense.
 */
export const readProcessMessage = (head: unknown): ProcessMessage | undefined => {
  if (!isObject(head)) return undefined
  switch (head['kind']) {
    case 'ready':
      return isNumber(head['loadMs']) ? (head as unknown as ReadyMessage) : undefined
    case 'left':
      return { kind: 'left' }
    case 'chosen':
      return isText(head['message']) && isProvider(String(head['provider']))
        ? (head as unknown as ChosenMessage)
        : undefined
    case 'refused':
      return isText(head['code']) && isText(head['message']) && isText(head['detail'])
        ? (head as unknown as RefusedMessage)
        : undefined
    case 'succeeded':
      return isNumber(head['miniBatch']) &&
        isNumber(head['runMs']) &&
        isArrayOf(head['items'], isNumber) &&
        isArrayOf(head['failures'], isFailure) &&
        (head['unsure'] === undefined || head['unsure'] === true) &&
        (head['contents'] === undefined || isText(head['contents'])) &&
        (head['files'] === undefined || isFiles(head['files']))
        ? (head as unknown as SucceededMessage)
        : undefined
    case 'threw':
      return isNumber(head['miniBatch']) && isNumber(head['runMs']) && isText(head['message'])
        ? (head as unknown as ThrewMessage)
        : undefined
    default:
      return undefined
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
const isNumber = (value: unknown): boolean => Number.isFinite(value)
const isText = (value: unknown): boolean => typeof value === 'string'
const isArrayOf = (value: unknown, check: (element: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(check)
const isFailure = (value: unknown): boolean =>
  isObject(value) && isNumber(value['item']) && isText(value['name']) && isText(value['message'])
const isFiles = (value: unknown): boolean =>
  isObject(value) &&
  isText(value['pack']) &&
  /^[0-9a-f-]{36}$/.test(String(value['pack'])) &&
  isArrayOf(value['list'], isFile)
const isFile = (value: unknown): boolean =>
  isObject(value) &&
  isOutputPath(String(value['path'])) &&
  isNumber(value['bytes']) &&
  /^[0-9a-f]{64}$/.test(String(value['hash']))
