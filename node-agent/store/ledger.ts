import type { Ledger, RecordsAdded } from '#agent/ports/ledger.ts'
import type { Log } from '#agent/ports/log.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { asClusterId } from '#protocol/model/ids.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { RecordKind } from '#protocol/model/record.ts'
import type { VerifiedRecord } from '#protocol/model/segment.ts'
import { err, ok } from '#protocol/model/result.ts'
import type {
  EncodedBody,
  SealedSegment,
  SegmentRules,
} from '#protocol/wire/ledger/segment-rules.ts'
import { createBatchWriter, notIn } from './batch.ts'
import { createLogEnds } from './log-ends.ts'
import { createQueue } from './queue.ts'
import type { ReaderCalls } from './reader-thread.ts'
import type { RestingThread } from './thread/resting.ts'
import type { WriterCalls, WriterReady } from './writer-thread.ts'

export interface LedgerDeps {
  readonly self: PeerId
  readonly rules: SegmentRules
  readonly log: Log
  readonly writer: RestingThread<WriterCalls>
  readonly reader: RestingThread<ReaderCalls>
  readonly ready: WriterReady
  /** See `BatchDeps`. */
  readonly rowsLeft: () => void
}

/**
 * The ledger as the agent sees it. Everything that waits when the writer becomes free goes into one
 * transaction, hence one fsync, and own records that wait share one signature. Segments are checked and
 * signed here, where the key is; the writer stores and folds what passed.
 */
export const createLedger = (deps: LedgerDeps): Ledger => {
  const { rules, writer, reader } = deps
  const ends = createLogEnds(deps.ready.logs)
  let cluster = deps.ready.cluster
  const { announce, onAdded } = createListeners(deps.log)
  const write = createBatchWriter({ ...deps, ends, announce, cluster: () => cluster })
  const queue = createQueue(write)
  return {
    cluster: () => cluster,
    found: async (genesis) => {
      if (cluster !== null) return err(alreadyIn())
      const encoded = rules.encode(genesis)
      if (!encoded.ok) return encoded
      // Its name and its first record become durable together.
      const founded = asClusterId(rules.sha256(encoded.value.bytes))
      cluster = founded
      const added = await queue.append([encoded.value])
      if (added.ok) return ok(founded)
      cluster = null
      return added
    },
    adopt: async (to) => {
      if (cluster !== null && cluster !== to) throw new MusterFailure(alreadyIn())
      await writer.call('store', { cluster: to, segments: [] })
      cluster = to
    },
    append: async (bodies) => {
      if (cluster === null) return err(notIn())
      const encoded: EncodedBody[] = []
      for (const body of bodies) {
        const one = rules.encode(body)
        if (!one.ok) return one
        encoded.push(one.value)
      }
      return encoded.length === 0 ? ok([]) : queue.append(encoded)
    },
    ingest: async (bytes) => {
      if (cluster === null) return { kind: 'refused', error: notIn() }
      return queue.ingest(bytes)
    },
    vector: ends.vector,
    lastOf: ends.own,
    missingFrom: (theirs, bytes) => reader.call('missingFrom', { theirs, bytes }),
    replay: (kinds) => replay(deps, kinds),
    onAdded,
    [Symbol.asyncDispose]: queue.drain,
  }
}

// --- details -----------------------------------------------------------------------------------

const createListeners = (log: Log) => {
  const listeners = new Set<(added: RecordsAdded) => void>()
  return {
    announce: ({ records, bytes, origin }: SealedSegment): RecordsAdded => {
      const added = { records, segment: bytes, origin }
      for (const listener of listeners) {
        try {
          listener(added)
        } catch (thrown) {
          log.error('a listener of the ledger failed', { error: thrownToText(thrown) })
        }
      }
      return added
    },
    onAdded: (listener: (added: RecordsAdded) => void): Disposable => {
      listeners.add(listener)
      return { [Symbol.dispose]: () => listeners.delete(listener) }
    },
  }
}

async function* replay(
  { rules, reader }: LedgerDeps,
  kinds: readonly RecordKind[],
): AsyncGenerator<VerifiedRecord> {
  for (let after: number | null = 0; after !== null;) {
    const page: Awaited<ReturnType<ReaderCalls['replay']>> = await reader.call('replay', {
      kinds,
      after,
    })
    for (const { bytes, sequences } of page.parts) {
      const wanted = new Set(sequences)
      const records = rules.stored(bytes, (_, sequence) => wanted.has(sequence))
      if (!records.ok) throw new MusterFailure(records.error)
      yield* records.value
    }
    after = page.next
  }
}

const alreadyIn = (): MusterError =>
  musterError(
    'AlreadyInCluster',
    'This machine belongs to a cluster already: use another home to join a second one.',
  )
