import type { PeerId, RecordHash } from '#protocol/model/ids.ts'
import type { Segment } from '#protocol/model/segment.ts'
import type { VersionVector } from '#protocol/model/log-position.ts'
import type { LogEnd, SealedSegment } from '#protocol/wire/ledger/segment-rules.ts'

/** Where each log ends, in memory, with what is about to be written on top. */
export interface LogEnds {
  readonly vector: () => VersionVector
  /** End of an origin's log, in its newest incarnation. */
  readonly own: (origin: PeerId) => LogEnd
  /** What is held of a segment's log; a hash inside it is fetched only if the segment ends there. */
  readonly held: (
    segment: Segment,
    last: number,
    fetch: (place: Place) => Promise<RecordHash | undefined>,
  ) => Promise<LogEnd & { readonly hashAt: (sequence: number) => RecordHash | undefined }>
  /** Notes a segment that is about to be written. */
  readonly advance: (segment: SealedSegment) => void
  /** The transaction is durable. */
  readonly keep: () => void
  /** The transaction was rolled back. */
  readonly undo: () => void
}

interface Place {
  readonly origin: PeerId
  readonly incarnation: number
  readonly sequence: number
}

type End = LogEnd & { readonly origin: PeerId }

const keyOf = (log: { readonly origin: PeerId; readonly incarnation: number }): string =>
  `${log.origin} ${log.incarnation}`

export const createLogEnds = (logs: readonly End[]): LogEnds => {
  const durable = new Map(logs.map((log) => [keyOf(log), log]))
  const pending = new Map<string, End>()
  const pendingHashes = new Map<string, RecordHash>()
  const endOf = (log: { readonly origin: PeerId; readonly incarnation: number }): LogEnd =>
    pending.get(keyOf(log)) ??
    durable.get(keyOf(log)) ?? { incarnation: log.incarnation, sequence: -1, hash: '' }
  const settle = (): void => {
    pending.clear()
    pendingHashes.clear()
  }
  return {
    vector: () =>
      [...durable.values()].map(({ origin, incarnation, sequence }) => ({
        origin,
        incarnation,
        sequence,
      })),
    own: (origin) => {
      const incarnations = [...durable.values(), ...pending.values()]
        .filter((log) => log.origin === origin)
        .map((log) => log.incarnation)
      return endOf({ origin, incarnation: Math.max(0, ...incarnations) })
    },
    held: async (segment, last, fetch) => {
      const end = endOf(segment)
      const { origin, incarnation } = segment
      const isInside = last < end.sequence
      const place = { origin, incarnation, sequence: last }
      const inside = isInside
        ? (pendingHashes.get(`${keyOf(place)} ${last}`) ?? (await fetch(place)))
        : undefined
      return { ...end, hashAt: (sequence) => (sequence === last ? inside : undefined) }
    },
    advance: ({ origin, incarnation, last, lastHash, records }) => {
      const key = keyOf({ origin, incarnation })
      pending.set(key, { origin, incarnation, sequence: last, hash: lastHash })
      for (const { header, hash } of records) pendingHashes.set(`${key} ${header.sequence}`, hash)
    },
    keep: () => {
      for (const [key, end] of pending) durable.set(key, end)
      settle()
    },
    undo: settle,
  }
}
