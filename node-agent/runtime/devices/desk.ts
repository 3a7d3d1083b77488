import type { Log } from '#agent/ports/log.ts'
import type { StartProcess } from '#agent/ports/runtime.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { readDeviceCache, writeDeviceCache } from './cache.ts'
import { describeFacts } from './explain.ts'
import type { ProviderFact } from './explain.ts'
import { deviceFingerprint } from './fingerprint.ts'
import { probeProviders } from './probe.ts'
import { graphicsProviders, isProvider, onProcessor, probedProviders } from './providers.ts'
import type { DevicePlan, Provider } from './providers.ts'
import { createSeats } from './seats.ts'
import type { Seat, Seats } from './seats.ts'

/** What can compute on this machine. Disposing it ends a probe under way. */
export interface DeviceDesk extends AsyncDisposable {
  /** Providers that work here, best first, `cpu` last; `cpu` alone until they were probed. */
  readonly list: () => readonly Provider[]
  /** The same, once they were probed: at the first call, in processes of their own. Never rejects. */
  readonly probed: () => Promise<readonly Provider[]>
  /** One sentence for each provider, whether and why not; probes if that was not done yet. */
  readonly describeDevices: () => Promise<readonly string[]>
  /** What a new process shall do about the device its job asks for; `InitFailed` if it cannot be had. */
  readonly seat: (wish: DeviceWish) => Promise<Result<Seat, MusterError>>
}

export interface DeviceWish {
  /** As the job says: `auto`, `cpu`, `gpu` or a provider. */
  readonly device: string
  /** The same for all processes of one job and model. */
  readonly key: string
  /** Begins a sentence: `The model "name" version 1`. */
  readonly model: string
}

/** What a process asks for; processes of one job with one model choose together. */
export const deviceWish = ({ spec, job, modelPath }: StartProcess, model: string): DeviceWish => ({
  device: spec.device,
  key: `${job ?? ''} ${modelPath ?? ''}`,
  model: `The model ${model}`,
})

export interface DeskDeps {
  readonly log: Log
  /** Where to remember what was found; undefined: nowhere. */
  readonly cacheFile?: string
  /** Replaces the program that probes; for tests of drivers that crash. */
  readonly probeProgram?: string
}

export const createDeviceDesk = (deps: DeskDeps): DeviceDesk => {
  const ending = new AbortController()
  const jobs = new Map<string, Seats>()
  let facts: readonly ProviderFact[] = []
  let probing: Promise<void> | undefined

  const look = async (): Promise<void> => {
    try {
      facts = await findFacts(deps, ending.signal)
    } catch (thrown) {
      // Without them everything still runs on the processor.
      deps.log.warn('Devices could not be probed.', { detail: thrownToText(thrown) })
    }
  }
  const probe = async (): Promise<readonly Provider[]> => {
    await (probing ??= look())
    return list()
  }
  const list = (): readonly Provider[] => [...workingOf(facts), 'cpu']
  const seatsFor = ({ key, model }: DeviceWish, candidates: readonly Provider[]): Seats => {
    const there = jobs.get(key)
    if (there !== undefined) return there
    const say = (message: string): void => deps.log.info('Device chosen.', { message })
    const seats = createSeats({ model, candidates, say })
    jobs.set(key, seats)
    for (const old of jobs.keys()) if (jobs.size > limits.deviceChoices) jobs.delete(old)
    return seats
  }
  return {
    list,
    probed: probe,
    describeDevices: async () => {
      await probe()
      return describeFacts([...facts, { provider: 'cpu' }])
    },
    seat: async (wish) => {
      const { device } = wish
      if (device === 'cpu') return ok(withPlan(onProcessor))
      const working = (await probe()).filter((provider) => provider !== 'cpu')
      if (device === 'auto' || device === '') {
        const candidates = working.filter((one) => graphicsProviders().includes(one))
        return ok(
          candidates.length === 0 ? withPlan(onProcessor) : seatsFor(wish, candidates).take(),
        )
      }
      return named(device, facts)
    },
    [Symbol.asyncDispose]: async () => {
      ending.abort()
      await probing
    },
  }
}

/** A seat for a process whose device is no question. */
const withPlan = (plan: DevicePlan): Seat => ({
  plan,
  heard: () => {},
  opened: (process) => process,
  lost: () => false,
})

const workingOf = (facts: readonly ProviderFact[]): readonly Provider[] =>
  facts.filter(({ problem }) => problem === undefined).map(({ provider }) => provider)

/** `gpu`: whatever works, best first; a provider: that one. */
const named = (device: string, facts: readonly ProviderFact[]): Result<Seat, MusterError> => {
  const wanted: readonly Provider[] =
    device === 'gpu' ? graphicsProviders() : isProvider(device) ? [device] : []
  const asked = facts.filter(({ provider }) => wanted.includes(provider))
  const providers = workingOf(asked)
  if (providers.length > 0) return ok(withPlan({ kind: 'first', providers }))
  const tried = asked.map(({ provider, problem }) => `${provider} ${problem ?? ''}`).join('; ')
  const why = tried === '' ? 'there is no such provider on this system' : tried
  const sentence = `The job asks for the device "${device}", which this machine does not have (${why}): use device auto or cpu, or machines that have it.`
  return err(musterError('InitFailed', sentence))
}

const findFacts = async (
  { log, cacheFile, probeProgram }: DeskDeps,
  signal: AbortSignal,
): Promise<readonly ProviderFact[]> => {
  const fingerprint = await deviceFingerprint()
  const known = cacheFile === undefined ? undefined : await readDeviceCache(cacheFile, fingerprint)
  if (known !== undefined) return known
  const facts = await probeProviders({
    providers: probedProviders(),
    signal,
    ...(probeProgram === undefined ? {} : { program: probeProgram }),
  })
  for (const { detail, ...fact } of facts) log.debug('Device probed.', { ...fact, detail })
  if (cacheFile !== undefined && facts.length > 0 && !facts.some(({ passing }) => passing === true))
    await writeDeviceCache(cacheFile, { version: 1, fingerprint, probedAt: Date.now(), facts })
  return facts
}
