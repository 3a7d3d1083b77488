import type { IngestOutcome, Ledger, RecordsAdded } from '#agent/ports/ledger.ts'
import type { SegmentRules } from '#protocol/wire/ledger/segment-rules.ts'
import type { EncodedBody, SealedSegment } from '#protocol/wire/ledger/segment-rules.ts'
import { missing } from '#agent/ledger/vector.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { asClusterId } from '#protocol/model/ids.ts'
import type { ClusterId, PeerId } from '#protocol/model/ids.ts'
import type { RecordKind } from '#protocol/model/record.ts'
import type { Segment, VerifiedRecord } from '#protocol/model/segment.ts'
import type { VersionVector } from '#protocol/model/log-position.ts'
import { err, ok } from '#protocol/model/result.ts'

/** A ledger of one process that passes the contract suite of the real one; `disposed` forgets everything. */
export const createMemoryLedger = (deps: {
  readonly self: PeerId
  readonly rules: SegmentRules
}): Ledger => {
  const { self, rules } = deps
  const logs = new Map<string, Log>()
  const stored: SealedSegment[] = []
  const listeners = new Set<(added: RecordsAdded) => void>()
  let cluster: ClusterId | null = null

  const logOf = (origin: PeerId, incarnation: number): Log => {
    const key = `${origin} ${incarnation}`
    const log = logs.get(key) ?? { origin, incarnation, records: [] }
    logs.set(key, log)
    return log
  }
  const take = (segment: SealedSegment): RecordsAdded => {
    logOf(segment.origin, segment.incarnation).records.push(...segment.records)
    stored.push(segment)
    const added = { records: segment.records, segment: segment.bytes, origin: segment.origin }
    for (const listener of listeners) listener(added)
    return added
  }
  const write = (to: ClusterId, bodies: readonly EncodedBody[]): readonly RecordsAdded[] => {
    const log = logOf(self, newestIncarnation(logs, self))
    return rules.seal(to, endOf(log), bodies).map(take)
  }
  const vector = (): VersionVector =>
    [...logs.values()]
      .filter(({ records }) => records.length > 0)
      .map(({ origin, incarnation, records }) => ({
        origin,
        incarnation,
        sequence: records.length - 1,
      }))
  const check = (bytes: Uint8Array, segment: Segment, to: ClusterId): IngestOutcome => {
    const log = logOf(segment.origin, segment.incarnation)
    const hashAt = (sequence: number) => log.records[sequence]?.hash
    const verdict = rules.check(to, { ...endOf(log), hashAt }, { bytes, segment })
    return verdict.kind === 'fresh' ? { kind: 'stored', added: take(verdict.segment) } : verdict
  }
  return {
    cluster: () => cluster,
    found: async (genesis) => {
      if (cluster !== null) return err(alreadyIn())
      const encoded = rules.encode(genesis)
      if (!encoded.ok) return encoded
      cluster = asClusterId(rules.sha256(encoded.value.bytes))
      write(cluster, [encoded.value])
      return ok(cluster)
    },
    adopt: async (to) => {
      if (cluster !== null && cluster !== to) throw new MusterFailure(alreadyIn())
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
      return ok(encoded.length === 0 ? [] : write(cluster, encoded))
    },
    ingest: async (bytes) => {
      if (cluster === null) return { kind: 'refused', error: notIn() }
      const segment = rules.open(bytes)
      return segment.ok
        ? check(bytes, segment.value, cluster)
        : { kind: 'refused', error: segment.error }
    },
    vector,
    lastOf: (origin) => endOf(logOf(origin, newestIncarnation(logs, origin))),
    missingFrom: async (theirs, budget) => withinBudget(behind(stored, vector(), theirs), budget),
    replay: (kinds) => replay(stored, kinds),
    onAdded: (listener) => {
      listeners.add(listener)
      return { [Symbol.dispose]: () => listeners.delete(listener) }
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}

interface Log {
  readonly origin: PeerId
  readonly incarnation: number
  readonly records: VerifiedRecord[]
}

const endOf = ({ incarnation, records }: Log) => ({
  incarnation,
  sequence: records.length - 1,
  hash: records.at(-1)?.hash ?? ('' as const),
})

const newestIncarnation = (logs: ReadonlyMap<string, Log>, self: PeerId): number =>
  [...logs.values()]
    .filter(({ origin }) => origin === self)
    .reduce((newest, { incarnation }) => Math.max(newest, incarnation), 0)

const behind = (
  stored: readonly SealedSegment[],
  ours: VersionVector,
  theirs: VersionVector,
): readonly SealedSegment[] => {
  const lacking = missing(ours, theirs)
  return stored.filter(({ origin, incarnation, last }) =>
    lacking.some(
      (part) => part.origin === origin && part.incarnation === incarnation && last > part.after,
    ),
  )
}

const withinBudget = (
  segments: readonly SealedSegment[],
  budget: number,
): readonly Uint8Array[] => {
  let size = 0
  const chosen: Uint8Array[] = []
  for (const { bytes } of segments) {
    size += bytes.length
    if (chosen.length > 0 && size > budget) break
    chosen.push(bytes)
  }
  return chosen
}

async function* replay(
  stored: readonly SealedSegment[],
  kinds: readonly RecordKind[],
): AsyncGenerator<VerifiedRecord> {
  for (const { records } of stored) {
    yield* records.filter(({ header }) => (kinds as readonly string[]).includes(header.kind))
  }
}

const notIn = () =>
  musterError('NotInCluster', 'This machine is in no cluster yet: create or join one first.')

const alreadyIn = () =>
  musterError('AlreadyInCluster', 'This machine belongs to a cluster already: use another home.')
