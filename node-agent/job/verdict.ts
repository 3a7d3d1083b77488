import type { JobFold, SealFacts } from '#protocol/model/fold.ts'
import type { EndState } from '#protocol/model/job.ts'

/** What a closed job comes to. */
export interface Verdict {
  readonly state: EndState
  /** First cause in one sentence; empty when there is nothing to say. */
  readonly headline: string
  /** Output is complete or absent: it is written only for a job that completed and returned rows. */
  readonly writeOutput: boolean
}

/**
 * The keeper's rule at the seal. A job in which nothing succeeded has failed, whatever its thresholds, and
 * says with what. `firstFailure` is the most frequent cause of failed items and mini-batches.
 */
export const jobVerdict = (fold: JobFold, facts: SealFacts, firstFailure: string): Verdict => {
  const outcome = fold.closed?.outcome ?? 'finished'
  const reason = fold.closed?.reason ?? ''
  if (outcome === 'canceled') return { state: 'Canceled', headline: reason, writeOutput: false }
  if (outcome === 'aborted') {
    return { state: 'Failed', headline: withCause(reason, firstFailure), writeOutput: false }
  }
  if (facts.succeeded === 0) {
    const cause = firstFailure === '' ? '' : ` First cause: ${firstFailure}`
    const headline = `None of the ${fold.items} items succeeded.${cause}`
    return { state: 'Failed', headline, writeOutput: false }
  }
  const writeOutput = fold.job.spec.outputAction === 'append_row'
  return { state: 'Completed', headline: firstFailure, writeOutput }
}

/** What the head met first; the keeper knows what was met most often, and where. */
const metFirst = '; the first failure: '

/** A reason may name its cause already; where that was met first is told all the same. */
const withCause = (reason: string, firstFailure: string): string => {
  const at = firstFailure.lastIndexOf(' (First: ')
  const cause = at < 0 ? firstFailure : firstFailure.slice(0, at)
  if (reason !== '' && cause !== '' && reason.includes(cause))
    return `${reason}${at < 0 ? '' : firstFailure.slice(at)}`
  const met = firstFailure === '' ? -1 : reason.indexOf(metFirst)
  const said = met < 0 ? reason : `${reason.slice(0, met)}.`
  return [said, firstFailure].filter((text) => text !== '').join(' First cause: ')
}
