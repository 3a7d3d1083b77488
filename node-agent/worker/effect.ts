import type { AttemptReport, Lease, ReturnReason } from '#protocol/model/attempt.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { LeaseToken } from '#protocol/model/term.ts'
import type { ProcessNumber } from './event.ts'

/** What the worker's machine wants done. Imperative; carried out in order. */
export type WorkerEffect =
  /** Send `worker-hello` to the head. */
  | {
      readonly kind: 'greetHead'
      readonly slots: number
      readonly held: readonly Lease[]
      readonly reports: readonly AttemptReport[]
    }
  | { readonly kind: 'fetchInput'; readonly lease: Lease }
  /** Forget a fetched or fetching input. */
  | { readonly kind: 'dropInput'; readonly token: LeaseToken }
  /** Make those inputs of the job ready that it wants as a whole. `inputsGathered` or `inputsNotGathered` follows. */
  | { readonly kind: 'gatherInputs'; readonly job: JobId }
  /** Give that up; no word follows. What is here stays for another try, unless the job is over. */
  | { readonly kind: 'stopInputs'; readonly job: JobId; readonly isOver: boolean }
  /** Tell the head what is done for the job before it can run. */
  | { readonly kind: 'sendNote'; readonly job: JobId; readonly message: string }
  | { readonly kind: 'startProcess'; readonly process: ProcessNumber; readonly job: JobId }
  /** Its job has ended and it runs nothing: it may be kept for the next job of its kind. No word follows. */
  | { readonly kind: 'releaseProcess'; readonly process: ProcessNumber }
  /** The same for a script's: the script ends, its runtime may be kept. `processExited` follows. */
  | { readonly kind: 'endScript'; readonly process: ProcessNumber }
  /** SIGKILL. `processExited` follows. */
  | { readonly kind: 'killProcess'; readonly process: ProcessNumber; readonly reason: string }
  /** Give a mini-batch whose input is here to a process; it may still be busy with the one before. */
  | { readonly kind: 'runAttempt'; readonly process: ProcessNumber; readonly lease: Lease }
  /** The same for several mini-batches of one job in one `run()`; each has a word of its own, unless it fell apart. */
  | {
      readonly kind: 'runJoined'
      readonly process: ProcessNumber
      readonly leases: readonly Lease[]
    }
  /** A process ran out of memory beside `processes` others of its job, perhaps none, while it ran so many items. */
  | {
      readonly kind: 'noteMemory'
      readonly job: JobId
      readonly processes: number
      readonly items: number
    }
  /** Make the rows of these attempts durable as one chunk, in this order. */
  | { readonly kind: 'packChunk'; readonly job: JobId; readonly tokens: readonly LeaseToken[] }
  /** Rows of attempts that no longer matter. */
  | { readonly kind: 'dropRows'; readonly tokens: readonly LeaseToken[] }
  | { readonly kind: 'sendStarted'; readonly tokens: readonly LeaseToken[] }
  | { readonly kind: 'sendReports'; readonly reports: readonly AttemptReport[] }
  | {
      readonly kind: 'sendReturned'
      readonly tokens: readonly LeaseToken[]
      readonly reason: ReturnReason
      readonly message: string
    }
  | {
      readonly kind: 'sendInitFailed'
      readonly job: JobId
      readonly message: string
      readonly processes: number
    }
  | { readonly kind: 'sendSlots'; readonly slots: number; readonly reason: string }
