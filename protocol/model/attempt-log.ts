import type { ChargeCause } from './attempt.ts'
import type { Millis, MiniBatchIndex, PeerId } from './ids.ts'

/** What became of one attempt that counts: a commit or a charge. Attempts that cost nothing are left out. */
export interface ProcessedMiniBatch {
  readonly miniBatch: MiniBatchIndex
  readonly attempt: number
  readonly peer: PeerId
  /** Number of the process among those of its job on its machine; null if that is not known here. */
  readonly process: number | null
  /** By the clock of its machine; null if that is not known here. */
  readonly startedAt: Millis | null
  /** Items of the mini-batch; null while that part of the plan is not known. */
  readonly items: number | null
  readonly succeeded: number
  readonly failed: number
  /** Time in `run`; null if that is not known here. */
  readonly seconds: number | null
  readonly status: 'succeeded' | ChargeCause
  /** Why the attempt, or its first failed item, failed; else empty. */
  readonly message: string
}

/** Columns of `mini-batches.csv`. */
export const miniBatchColumns = [
  'mini_batch',
  'peer',
  'process',
  'attempt',
  'start',
  'items',
  'succeeded',
  'failed',
  'seconds',
  'status',
  'message',
] as const

/** One line of `mini-batches.csv`, without its end; what is not known is empty. */
export const miniBatchLine = (one: Omit<ProcessedMiniBatch, 'peer'>, peerName: string): string =>
  csvLine([
    one.miniBatch,
    peerName,
    one.process,
    one.attempt,
    one.startedAt === null ? null : new Date(one.startedAt).toISOString(),
    one.items,
    one.succeeded,
    one.failed,
    one.seconds,
    one.status,
    one.message,
  ])

/** Fields as RFC 4180 has them; null is empty. */
export const csvLine = (fields: readonly (string | number | null)[]): string =>
  fields.map(csvField).join(',')

const csvField = (value: string | number | null): string => {
  const text = value === null ? '' : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
