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
  session: async (name) => createSession(channel, theModel(init, name), ahead),
  modelPath: (name) => theModel(init, name).path,
  sideInput: createSideInputs(channel, init.sideInputs),
  decodeImages: createDecodeImages(channel, ahead),
})

const theModel = ({ model }: InitWords, name: string | undefined): ModelWords => {
  if (model === null) throw new Error('The job names no model: add "model" to its file.')
  if (name === undefined || name === model.name) return model
  throw new Error(`The job has no model "${name}", only "${model.name}".`)
}

const createSession = (channel: Channel, model: ModelWords, ahead: Ahead): Session => ({
  name: model.name,
  inputs: model.inputs,
  outputs: model.outputs,
  run: async (feeds) => {
    const given = toFeeds(model, feeds).map(([name, value]) => toFeed(name, value))
    const handles = aheadOf(ahead, given) ?? (await infer(channel, given))
    return Object.fromEntries(
      model.outputs.flatMap(({ name }, at) => {
        const handle = handles[at]
        return handle === undefined ? [] : [[name, handle]]
      }),
    )
  },
})

type Feeds = readonly ReturnType<typeof toFeed>[]

const infer = async (channel: Channel, given: Feeds): Promise<readonly Handle[]> => {
  const { value, body } = await channel.call(
    { what: 'infer', feeds: given.map(({ feed }) => feed) },
    given.flatMap((one) => one.body),
  )
  return readTensors(channel, value as readonly TensorWords[], body)
}

/** What a picture that is fed alone gives may be here already. */
const aheadOf = (ahead: Ahead, [first, ...more]: Feeds): readonly Handle[] | undefined =>
  first !== undefined && more.length === 0 && 'id' in first.feed
    ? ahead.outputs(first.feed.id, first.feed.name)
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
