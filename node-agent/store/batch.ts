import { setImmediate as turn } from 'node:timers/promises'
import type { RecordsAdded } from '#agent/ports/ledger.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { ClusterId, PeerId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { SealedSegment, SegmentRules } from '#protocol/wire/ledger/segment-rules.ts'
import type { LogEnds } from './log-ends.ts'
import type { Waiting } from './queue.ts'
import type { ReaderCalls } from './reader-thread.ts'
import type { RestingThread } from './thread/resting.ts'
import type { WriterCalls } from './writer-thread.ts'

export interface BatchDeps {
  readonly self: PeerId
  readonly rules: SegmentRules
  readonly writer: RestingThread<WriterCalls>
  readonly reader: RestingThread<ReaderCalls>
  readonly ends: LogEnds
  readonly cluster: () => ClusterId | null
  /** Rows of forgotten jobs are left, which somebody is to delete. */
  readonly rowsLeft: () => void
  /** Tells the listeners of a segment that is durable. */
  readonly announce: (segment: SealedSegment) => RecordsAdded
}

/**
 * Makes one transaction of everything that waits: segments of others are checked, own records sealed, all
 * of it is stored and folded, and then everybody is told. Succeeds and settles all, or fails and settles none.
 */
export const createBatchWriter =
  (deps: BatchDeps) =>
  async (batch: readonly Waiting[]): Promise<Result<void, MusterError>> => {
    const cluster = deps.cluster()
    if (cluster === null) return err(notIn())
    const prepared: Prepared = { cluster, segments: [], settle: [] }
    try {
      await checkIngests(deps, prepared, batch)
      sealAppends(deps, prepared, batch)
      const { segments } = prepared
      if (segments.length > 0 && (await deps.writer.call('store', { cluster, segments })))
        deps.rowsLeft()
    } catch (thrown) {
      deps.ends.undo()
      return err(errorOf(thrown))
    }
    deps.ends.keep()
    for (const settle of prepared.settle) settle()
    return ok(undefined)
  }

export const notIn = (): MusterError =>
  musterError('NotInCluster', 'This machine is in no cluster yet: create or join one first.')

// --- details -----------------------------------------------------------------------------------

/** What is ready to be written, and who waits for it. */
interface Prepared {
  readonly cluster: ClusterId
  readonly segments: SealedSegment[]
  readonly settle: (() => void)[]
}

/** A check may take milliseconds: after this long the agent's loop gets its turn. */
const turnMs = 5

const checkIngests = async (
  { rules, reader, ends, announce }: BatchDeps,
  prepared: Prepared,
  batch: readonly Waiting[],
): Promise<void> => {
  let since = performance.now()
  for (const waiting of batch) {
    if (waiting.kind !== 'ingest') continue
    const opened = rules.open(waiting.bytes)
    if (!opened.ok) {
      const { error } = opened
      prepared.settle.push(() => waiting.resolve({ kind: 'refused', error }))
      continue
    }
    const segment = opened.value
    const last = segment.first + segment.entries.length - 1
    const held = await ends.held(segment, last, (place) => reader.call('hashAt', place))
    const verdict = rules.check(prepared.cluster, held, { bytes: waiting.bytes, segment })
    if (verdict.kind === 'fresh') {
      const fresh = verdict.segment
      ends.advance(fresh)
      prepared.segments.push(fresh)
      prepared.settle.push(() => waiting.resolve({ kind: 'stored', added: announce(fresh) }))
    } else {
      prepared.settle.push(() => waiting.resolve(verdict))
    }
    if (performance.now() - since > turnMs) {
      await turn()
      since = performance.now()
    }
  }
}

const sealAppends = (
  { rules, self, ends, announce }: BatchDeps,
  prepared: Prepared,
  batch: readonly Waiting[],
): void => {
  const appends = batch.filter((waiting) => waiting.kind === 'append')
  if (appends.length === 0) return
  const bodies = appends.flatMap((waiting) => waiting.bodies)
  const sealed = rules.seal(prepared.cluster, ends.own(self), bodies)
  for (const segment of sealed) ends.advance(segment)
  prepared.segments.push(...sealed)
  const counts = appends.map((waiting) => waiting.bodies.length)
  const shares = shareOut(sealed, counts)
  prepared.settle.push(() => {
    for (const segment of sealed) announce(segment)
    for (const [at, waiting] of appends.entries()) waiting.resolve(ok(shares[at] ?? []))
  })
}

/** Gives each call its own records back, with the segments they went into. */
const shareOut = (
  segments: readonly SealedSegment[],
  counts: readonly number[],
): readonly (readonly RecordsAdded[])[] => {
  const all = segments.flatMap((segment) => segment.records.map((record) => ({ segment, record })))
  let from = 0
  return counts.map((count) => {
    const bySegment = Map.groupBy(all.slice(from, from + count), ({ segment }) => segment)
    from += count
    return [...bySegment].map(([segment, own]) => ({
      records: own.map(({ record }) => record),
      segment: segment.bytes,
      origin: segment.origin,
    }))
  })
}

const errorOf = (thrown: unknown): MusterError =>
  thrown instanceof MusterFailure
    ? thrown.error
    : musterError('Internal', 'The ledger could not be written: see the log.', {
        detail: thrownToText(thrown),
      })
