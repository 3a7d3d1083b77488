import { thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { disagreement } from './agree.ts'
import type { Numbers } from './agree.ts'
import { explainProvider } from './explain.ts'
import type { Provider } from './providers.ts'

/** Outputs of one run of a model by their names. */
export type Outputs = Readonly<Record<string, Numbers>>

/** A model loaded on one provider, ready to run on one batch. */
export interface Contender<Out extends Outputs> {
  readonly provider: Provider
  readonly run: () => Promise<Out>
}

export interface Verdict<Out extends Outputs> {
  readonly provider: Provider
  /** Why, in words that follow the model's name and a colon. */
  readonly reason: string
  /** What the processor gave, whoever was chosen. */
  readonly outputs: Out
}

export interface MeasureOptions {
  /** The job only asks which of an item's numbers is largest. */
  readonly classes: boolean
  /** Milliseconds of one run; for tests, whose machines have no fast device. */
  readonly timeOf?: (contender: Contender<Outputs>) => Promise<number>
}

/** Of two nearly equal ones the processor is chosen: a graphics card has other guests. */
const fasterBy = 0.9
const timedRuns = 3

/**
 * Runs one batch on the processor and on each candidate, and chooses the fastest of those that agree with
 * it. Throws only what the processor throws: a model that fails there fails everywhere.
 */
export const measure = async <Out extends Outputs>(
  processor: Contender<Out>,
  candidates: readonly Contender<Out>[],
  { classes, timeOf = timed }: MeasureOptions,
): Promise<Verdict<Out>> => {
  const started = performance.now()
  const outputs = await processor.run()
  const dueMs = await timeOf(processor)
  let best: { readonly provider: Provider; readonly ms: number } = { provider: 'cpu', ms: dueMs }
  const reasons: string[] = []
  for (const candidate of candidates) {
    const { provider } = candidate
    if (performance.now() - started > limits.deviceMeasureMs) {
      reasons.push(`${provider} was not measured, since measuring took too long`)
      continue
    }
    const problem = await problemOf(candidate, outputs, classes)
    if (problem !== undefined) {
      reasons.push(`${provider} ${problem}`)
      continue
    }
    const ms = await timeOf(candidate)
    reasons.push(`${provider} takes ${short(ms)} ms a batch where cpu takes ${short(dueMs)} ms`)
    if (ms < fasterBy * dueMs && ms < best.ms) best = { provider, ms }
  }
  return { provider: best.provider, reason: reasons.join(', '), outputs }
}

/** The first run is not timed: programs for a graphics card are compiled in it. */
const problemOf = async <Out extends Outputs>(
  candidate: Contender<Out>,
  due: Out,
  classes: boolean,
): Promise<string | undefined> => {
  try {
    const given: Outputs = await candidate.run()
    for (const [name, numbers] of Object.entries(due)) {
      const got = given[name]
      if (got === undefined) return `gives no output "${name}"`
      const problem = disagreement(numbers, got, classes)
      if (problem !== undefined) return problem
    }
    return undefined
  } catch (thrown) {
    return explainProvider(thrownToText(thrown))
  }
}

/** Milliseconds of the fastest of some runs; slow ones are run once. */
const timed = async ({ run }: Contender<Outputs>): Promise<number> => {
  let best = Infinity
  let spent = 0
  for (let round = 0; round < timedRuns && spent < limits.deviceTimingMs; round += 1) {
    const started = performance.now()
    await run()
    const ms = performance.now() - started
    best = Math.min(best, ms)
    spent += ms
  }
  return best
}

const short = (ms: number): string => String(Number(ms.toPrecision(3)))
