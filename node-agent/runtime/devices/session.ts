import { InferenceSession } from 'onnxruntime-node'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { explainLoad } from '../child/ort-words.ts'
import { explainProvider, shorten } from './explain.ts'
import { measure } from './measure.ts'
import type { Contender, MeasureOptions } from './measure.ts'
import type { DeviceChoice, DevicePlan, Provider } from './providers.ts'

type Feeds = InferenceSession.FeedsType
type Values = InferenceSession.ReturnType

/** A model in a runtime process, on whatever computes it best here. */
export interface DeviceSession {
  readonly inputs: readonly InferenceSession.ValueMetadata[]
  readonly outputs: readonly InferenceSession.ValueMetadata[]
  /** What computes now. */
  readonly provider: () => Provider
  /** Blocks the process while it computes. The first batch after `follow` may be run several times. */
  readonly run: (feeds: Feeds, fetches?: readonly string[]) => Promise<Values>
  /** A new plan of the agent, after another process of the job has measured. */
  readonly follow: (plan: DevicePlan) => Promise<void>
}

export interface OpenSession {
  /** The model as people know it, for sentences. */
  readonly modelName: string
  readonly modelPath: string
  readonly threads: number
  readonly plan: DevicePlan
  /** Only the best class of an item is asked for: numbers may differ a little more. */
  readonly classes: boolean
  /** For tests; see `MeasureOptions`. */
  readonly timeOf?: NonNullable<MeasureOptions['timeOf']>
  /** Told whenever it is known, or changed, what computes. */
  readonly chosen: (choice: DeviceChoice) => void
}

/** Loads a model as its plan says. `InitFailed` in a sentence. */
export const openSession = async (
  options: OpenSession,
): Promise<Result<DeviceSession, MusterError>> => {
  const { plan } = options
  const first = await loadFirst(options, plan.kind === 'first' ? plan.providers : ['cpu'])
  if (!first.ok) return first
  const session = new Switching(options, first.value)
  await session.follow(plan)
  const { inputMetadata, outputMetadata } = first.value.session
  return ok({
    inputs: inputMetadata,
    outputs: outputMetadata,
    provider: () => session.provider,
    run: (feeds, fetches) => session.run(feeds, fetches),
    follow: (next) => session.follow(next),
  })
}

interface Loaded {
  readonly provider: Provider
  readonly session: InferenceSession
}

const loadFirst = async (
  options: OpenSession,
  providers: readonly Provider[],
): Promise<Result<Loaded, MusterError>> => {
  const tried: string[] = []
  let detail = ''
  for (const provider of providers) {
    try {
      return ok({ provider, session: await create(options, provider) })
    } catch (thrown) {
      if (provider === 'cpu') return err(explainLoad(options.modelName, thrown))
      detail = thrownToText(thrown)
      tried.push(`${provider} ${explainProvider(detail)}`)
    }
  }
  const sentence = `The model ${options.modelName} could not be loaded on the device the job asks for (${tried.join('; ')}): use device auto or cpu.`
  return err(musterError('InitFailed', sentence, { detail }))
}

const create = async (options: OpenSession, provider: Provider): Promise<InferenceSession> =>
  await InferenceSession.create(options.modelPath, {
    executionProviders: [provider],
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    // Spinning threads take the processor from the owner of the machine while they wait.
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  })

/** A class: it is one model whose session changes under it. */
class Switching {
  readonly #options: OpenSession
  #loaded: Loaded
  /** Loaded beside the processor's, to be measured on the next batch; undefined: nothing to measure. */
  #candidates: readonly Loaded[] | undefined
  /** Whether what computes was chosen by measuring. */
  #measured = false
  /** Why other candidates are out. */
  #refused: readonly string[] = []

  constructor(options: OpenSession, loaded: Loaded) {
    this.#options = options
    this.#loaded = loaded
  }

  get provider(): Provider {
    return this.#loaded.provider
  }

  async follow(plan: DevicePlan): Promise<void> {
    if (plan.kind !== 'measure' || this.provider !== 'cpu') return
    const loaded: Loaded[] = []
    const refused: string[] = []
    for (const provider of plan.candidates) {
      try {
        loaded.push({ provider, session: await create(this.#options, provider) })
      } catch (thrown) {
        refused.push(`${provider} ${explainProvider(thrownToText(thrown))}`)
      }
    }
    this.#candidates = loaded
    this.#refused = refused
  }

  async run(feeds: Feeds, fetches?: readonly string[]): Promise<Values> {
    if (this.#candidates !== undefined) return this.#measure(this.#candidates, feeds, fetches)
    try {
      return await runOn(this.#loaded, feeds, fetches)
    } catch (thrown) {
      // A device that was asked for by name fails as such; one that we chose ourselves is ours to mend.
      if (this.provider === 'cpu' || !this.#measured) throw thrown
      return this.#fallBack(thrown, feeds, fetches)
    }
  }

  async #measure(
    candidates: readonly Loaded[],
    feeds: Feeds,
    fetches?: readonly string[],
  ): Promise<Values> {
    const { modelName, chosen } = this.#options
    const contend = (loaded: Loaded): Contender<Values> => ({
      provider: loaded.provider,
      run: () => runOn(loaded, feeds, fetches),
    })
    const verdict = await measure(contend(this.#loaded), candidates.map(contend), this.#options)
    const { provider } = verdict
    const won = candidates.find((one) => one.provider === provider) ?? this.#loaded
    const lost = [this.#loaded, ...candidates].filter((one) => one !== won)
    this.#loaded = won
    this.#candidates = undefined
    this.#measured = true
    for (const { session } of lost) await session.release()
    const reasons = [...this.#refused, verdict.reason].filter((reason) => reason !== '')
    chosen({
      provider,
      message: `The model ${modelName} runs on ${provider} here: ${reasons.join(', ')}.`,
    })
    return verdict.outputs
  }

  /** What ran before fails now: memory is full, or the driver was replaced. */
  async #fallBack(thrown: unknown, feeds: Feeds, fetches?: readonly string[]): Promise<Values> {
    const { modelName, chosen } = this.#options
    const { provider, session } = this.#loaded
    const processor: Loaded = { provider: 'cpu', session: await create(this.#options, 'cpu') }
    const outputs = await runOn(processor, feeds, fetches)
    this.#loaded = processor
    const words = shorten(thrownToText(thrown))
    chosen({
      provider: 'cpu',
      message: `The model ${modelName} goes on with cpu here: ${provider} failed (${words}).`,
    })
    await session.release().catch(() => undefined)
    return outputs
  }
}

const runOn = ({ session }: Loaded, feeds: Feeds, fetches?: readonly string[]): Promise<Values> =>
  fetches === undefined ? session.run(feeds) : session.run(feeds, [...fetches])
