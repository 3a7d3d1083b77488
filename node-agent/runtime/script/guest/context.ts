import type { Ahead } from './ahead.ts'
import type { Channel } from './channel.ts'
import { createDecodeImages } from './decode.ts'
import type { DecodedImages } from './decode.ts'
import { parseArguments } from './arguments.ts'
import type { ScriptArguments } from './arguments.ts'
import { readTensors, toFeed } from './handles.ts'
import type { Handle } from './handles.ts'
import type { Item, MiniBatch } from './items.ts'
import { createLogger } from './logger.ts'
import type { ScriptLogger } from './logger.ts'
import { createSideInputs } from './side-inputs.ts'
import type { SideInput } from './side-inputs.ts'
import type { InitWords, ModelWords, TensorFacts, TensorWords } from '../words.ts'

/** A model that is loaded in the runtime process. */
export interface Session {
  readonly name: string
  readonly inputs: readonly TensorFacts[]
  readonly outputs: readonly TensorFacts[]
  /** Feeds by the inputs' names; a single tensor where the model has one input. Outputs by name. */
  readonly run: (feeds: unknown) => Promise<Readonly<Record<string, Handle>>>
}

/** A script's doors to the machine. */
export interface ScriptContext {
  readonly arguments: ScriptArguments
  readonly environment: Readonly<Record<string, string>>
  readonly logger: ScriptLogger
  /** A folder of this process's own that it may write. */
  readonly outputDirectory: string
  /** Number of this worker process among those of its job on this machine, from 0. */
  readonly workerIndex: number
  readonly device: string
  readonly session: (name?: string) => Promise<Session>
  readonly modelPath: (name?: string) => string
  /** One of the job's side inputs. @throws Error that names them all, if there is none of this name */
  readonly sideInput: (name: string) => SideInput
  /** Folder of an input whose mode is `direct`; its name may be left out where there is one. @throws Error that names them all */
  readonly inputFolder: (name?: string) => string
  readonly decodeImages: (
    items: Item | MiniBatch | Iterable<Item>,
    options: object,
  ) => Promise<DecodedImages>
}

export const createContext = (channel: Channel, init: InitWords, ahead: Ahead): ScriptContext => ({
  arguments: parseArguments(init.arguments),
  environment: Object.freeze({ ...init.environment }),
  logger: createLogger(init.level),
  outputDirectory: init.outputDirectory,
  workerIndex: init.workerIndex,
  device: init.device,
  session: async (name) => createSession(channel, init.models, modelAt(init, name), ahead),
  modelPath: (name) => modelOf(init.models, modelAt(init, name)).path,
  sideInput: createSideInputs(channel, init.sideInputs),
  inputFolder: (name) => folderOf(init, name),
  decodeImages: createDecodeImages(channel, ahead),
})

const folderOf = ({ directInputs }: InitWords, name: string | undefined): string => {
  const [only, ...more] = directInputs
  const found =
    name === undefined && more.length === 0 ? only : directInputs.find((one) => one.name === name)
  if (found !== undefined) return found.path
  const names = directInputs.map((one) => `"${one.name}"`).join(', ')
  throw new Error(
    names === ''
      ? 'The job has no input whose files its script opens by itself: give one the mode direct.'
      : `Say which input is meant: those that the script opens by itself are ${names}.`,
  )
}

/** Place of the model that is meant in the list of all. @throws Error that names them */
const modelAt = ({ models, mainModel }: InitWords, name: string | undefined): number => {
  const names = models.map((model) => `"${model.name}"`).join(' and ')
  if (names === '') throw new Error('The job names no model: add "model" to its file.')
  const wanted = name ?? mainModel
  if (wanted === null)
    throw new Error(`The job has the models ${names}: say which one, as in session("NAME").`)
  const at = models.findIndex((model) => model.name === wanted)
  if (at < 0) throw new Error(`The job has no model "${wanted}", only ${names}.`)
  return at
}

const modelOf = (models: readonly ModelWords[], at: number): ModelWords => {
  const model = models[at]
  if (model === undefined) throw new Error(`There is no model ${at}.`)
  return model
}

const createSession = (
  channel: Channel,
  models: readonly ModelWords[],
  at: number,
  ahead: Ahead,
): Session => {
  const model = modelOf(models, at)
  return {
    name: model.name,
    inputs: model.inputs,
    outputs: model.outputs,
    run: async (feeds) => {
      const given = toFeeds(model, feeds).map(([name, value]) => toFeed(name, value))
      const handles = aheadOf(ahead, at, given) ?? (await infer(channel, at, given))
      return Object.fromEntries(
        model.outputs.flatMap(({ name }, output) => {
          const handle = handles[output]
          return handle === undefined ? [] : [[name, handle]]
        }),
      )
    },
  }
}

type Feeds = readonly ReturnType<typeof toFeed>[]

const infer = async (channel: Channel, model: number, given: Feeds): Promise<readonly Handle[]> => {
  const { value, body } = await channel.call(
    { what: 'infer', model, feeds: given.map(({ feed }) => feed) },
    given.flatMap((one) => one.body),
  )
  return readTensors(channel, value as readonly TensorWords[], body)
}

/** What a picture that is fed alone gives may be here already. */
const aheadOf = (
  ahead: Ahead,
  model: number,
  [first, ...more]: Feeds,
): readonly Handle[] | undefined =>
  first !== undefined && more.length === 0 && 'id' in first.feed
    ? ahead.outputs(first.feed.id, `${model}:${first.feed.name}`)
    : undefined

const toFeeds = (model: ModelWords, feeds: unknown): readonly (readonly [string, unknown])[] => {
  if (typeof feeds !== 'object' || feeds === null)
    throw new Error('session.run needs a handle, or a map from input names to handles.')
  const isTensor = ('argmax' in feeds || 'data' in feeds) && 'shape' in feeds
  if (!isTensor) return Object.entries(feeds)
  const [only, second] = model.inputs
  if (only === undefined || second !== undefined)
    throw new Error(
      `The model has ${model.inputs.length} inputs (${model.inputs.map((one) => one.name).join(', ')}): give session.run a map.`,
    )
  return [[only.name, feeds]]
}
