import type { JobFold } from '#protocol/model/fold.ts'
import type { JobState } from '#protocol/model/job.ts'
import { plural } from '#protocol/model/plural.ts'

/** What a member knows of a job beside the ledger. */
export interface JobSurroundings {
  /** Leases now, as the head last told. */
  readonly leased: number
  /** The head's word on why nothing runs; empty while something does. */
  readonly waits: string
  readonly headKnown: boolean
  readonly keeperHere: boolean
  readonly keeperName: string
  /** Names of machines whose result chunks the keeper still lacks. */
  readonly chunkHolders: readonly string[]
  /** Why this machine could not write yet what it has to write for the job; empty if there is no trouble. */
  readonly outputProblem: string
}

/** A job's run state and one sentence on it; the sentence is empty when the state says it all. */
export const jobState = (
  fold: JobFold,
  around: JobSurroundings,
): { readonly state: JobState; readonly reason: string } => {
  if (fold.sealed !== null) return { state: fold.sealed.state, reason: extraRows(fold) }
  if (fold.closed !== null) return { state: 'Finalizing', reason: finalizing(around) }
  if (fold.cancelRequestedAt !== null) return { state: 'CancelRequested', reason: '' }
  if (fold.pausedAt !== null) return { state: 'Paused', reason: pausedWords(around) }
  if (!around.headKnown)
    return { state: 'Queued', reason: 'No head is reachable; the job goes on when one is.' }
  const reason = around.outputProblem === '' ? around.waits : around.outputProblem
  if (around.leased > 0 || fold.committed > 0) return { state: 'Running', reason }
  if (fold.miniBatches > 0) return { state: 'Queued', reason }
  return { state: 'Preparing', reason: reason === '' ? 'The input is being listed.' : reason }
}

const pausedWords = ({ leased }: JobSurroundings): string =>
  leased === 0
    ? 'It goes on when it is resumed.'
    : `Work on ${plural(leased, 'mini-batch', 'mini-batches')} is being stopped.`

/** More rows than items is no failure; that it was so is said once, at the end. */
const extraRows = (fold: JobFold): string => {
  const more = fold.rows - fold.itemsSucceeded
  return more <= 0
    ? ''
    : `${plural(more, 'row')} more than items succeeded came back; all of them are kept.`
}

const finalizing = (around: JobSurroundings): string => {
  if (around.chunkHolders.length > 0)
    return `Waits for ${around.chunkHolders.join(', ')}, which holds rows that are not here yet.`
  if (around.keeperHere) return around.outputProblem
  return `Waits for ${around.keeperName}, which collects the rows and writes the output.`
}
