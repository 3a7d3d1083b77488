import { assertNever } from '#protocol/model/assert-never.ts'
import type { JobId, MiniBatchIndex } from '#protocol/model/ids.ts'
import type { HeldLease, WorkerState } from './state.ts'

/** Where the attempts of one mini-batch stand on this worker, in sentences; none if it holds none. */
export const story = (
  state: WorkerState,
  job: JobId,
  miniBatch: MiniBatchIndex,
): readonly string[] => {
  const lines: string[] = []
  for (const held of state.leases.values()) {
    if (held.lease.job === job && held.lease.miniBatch === miniBatch) {
      lines.push(`Attempt ${String(held.lease.attempt)} ${stageWords(state, held)}.`)
    }
  }
  for (const report of state.reports.values()) {
    if (report.job === job && report.miniBatch === miniBatch) {
      lines.push(
        `Attempt ${String(report.attempt)} ${report.outcome.kind} and waits for the head's word.`,
      )
    }
  }
  return lines
}

const stageWords = (state: WorkerState, held: HeldLease): string => {
  if (held.unwantedSince !== null) return 'no longer counts and ends with its process'
  switch (held.stage) {
    case 'waiting':
      return state.jobs.get(held.lease.job)?.job == null
        ? "waits for the job's record"
        : 'waits for its turn to be fetched'
    case 'fetching':
      return 'waits for its items'
    case 'ready':
      return 'has its items and waits for a worker process'
    case 'queued':
      return 'waits in a worker process behind another'
    case 'running':
      return `runs since ${String(state.now - held.runningSince)} ms`
    case 'ran':
      return 'ran; its rows wait for a result chunk'
    case 'packing':
      return 'ran; its rows are being stored'
    case 'gone':
      return 'is gone'
    default:
      return assertNever(held.stage)
  }
}
