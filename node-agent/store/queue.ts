import type { IngestOutcome, RecordsAdded } from '#agent/ports/ledger.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { err } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { EncodedBody } from '#protocol/wire/ledger/segment-rules.ts'

type AppendResult = Result<readonly RecordsAdded[], MusterError>

/** A call that waits for the writer. */
export type Waiting =
  | {
      readonly kind: 'append'
      readonly bodies: readonly EncodedBody[]
      readonly resolve: (result: AppendResult) => void
    }
  | {
      readonly kind: 'ingest'
      readonly bytes: Uint8Array
      readonly resolve: (outcome: IngestOutcome) => void
    }

export interface WriteQueue {
  readonly append: (bodies: readonly EncodedBody[]) => Promise<AppendResult>
  readonly ingest: (bytes: Uint8Array) => Promise<IngestOutcome>
  /** Takes nothing more; resolves when all that was taken is settled. */
  readonly drain: () => Promise<void>
}

/**
 * Collects calls while the writer is busy and hands them over together. A lone call goes at once: under
 * load company comes by itself, since it waits for the transaction before it.
 * @param write settles every waiting call and succeeds, or settles none and fails
 */
export const createQueue = (
  write: (batch: readonly Waiting[]) => Promise<Result<void, MusterError>>,
): WriteQueue => {
  const waiting: Waiting[] = []
  let isClosed = false
  let running: Promise<void> | undefined

  const writeAll = async (): Promise<void> => {
    // One turn of the microtasks: calls made in the same breath go together.
    await Promise.resolve()
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchLength(waiting))
      const written = await write(batch)
      if (written.ok) continue
      // One bad segment must not take the others with it; a full disk is full for all.
      const isShared = batch.length === 1 || written.error.code === 'DiskFull'
      for (const one of batch) {
        const again = isShared ? written : await write([one])
        if (!again.ok) fail(one, again.error)
      }
    }
    running = undefined
  }
  const add = (make: (isOpen: boolean) => Waiting | undefined): void => {
    const one = make(!isClosed)
    if (one === undefined) return
    waiting.push(one)
    running ??= writeAll()
  }
  return {
    append: (bodies) =>
      new Promise((resolve) => {
        if (isClosed) resolve(err(closed()))
        else add(() => ({ kind: 'append', bodies, resolve }))
      }),
    ingest: (bytes) =>
      new Promise((resolve) => {
        if (isClosed) resolve({ kind: 'refused', error: closed() })
        else add(() => ({ kind: 'ingest', bytes, resolve }))
      }),
    drain: async () => {
      isClosed = true
      await running
    },
  }
}

/** How many of those waiting go into the next transaction; at least one. */
const batchLength = (waiting: readonly Waiting[]): number => {
  let bytes = 0
  let segments = 0
  for (const [at, one] of waiting.entries()) {
    bytes += sizeOf(one)
    segments += one.kind === 'ingest' ? 1 : 0
    const isFull = bytes > limits.transactionBytes || segments > limits.transactionSegments
    if (at > 0 && isFull) return at
  }
  return waiting.length
}

const sizeOf = (one: Waiting): number =>
  one.kind === 'ingest'
    ? one.bytes.length
    : one.bodies.reduce((sum, body) => sum + body.bytes.length, 0)

const fail = (one: Waiting, error: MusterError): void => {
  if (one.kind === 'append') one.resolve(err(error))
  else one.resolve({ kind: 'refused', error })
}

const closed = (): MusterError =>
  musterError('Aborted', 'The agent is stopping and writes nothing more: try again when it runs.')
