import type { PeerId } from '#protocol/model/ids.ts'
import type { LogPosition, VersionVector } from '#protocol/model/log-position.ts'

/** How two version vectors stand to each other. */
export type VectorOrder = 'equal' | 'behind' | 'ahead' | 'apart'

/** A stretch of a log: records after `after` up to and including `upTo`. */
export interface MissingRecords {
  readonly origin: PeerId
  readonly incarnation: number
  readonly after: number
  readonly upTo: number
}

/** What `theirs` lacks of `ours`, log by log in the order of `ours`. */
export const missing = (ours: VersionVector, theirs: VersionVector): readonly MissingRecords[] => {
  const held = sequenceByLog(theirs)
  return ours.flatMap(({ origin, incarnation, sequence }) => {
    const after = held.get(logKey({ origin, incarnation })) ?? -1
    return after < sequence ? [{ origin, incarnation, after, upTo: sequence }] : []
  })
}

/** `behind`: all of ours is among theirs, and they have more. */
export const compareVectors = (ours: VersionVector, theirs: VersionVector): VectorOrder => {
  const isAhead = missing(ours, theirs).length > 0
  const isBehind = missing(theirs, ours).length > 0
  return isAhead ? (isBehind ? 'apart' : 'ahead') : isBehind ? 'behind' : 'equal'
}

/** The least vector that holds what either holds. */
export const joinVectors = (a: VersionVector, b: VersionVector): VersionVector => {
  const joined = new Map<string, LogPosition>()
  for (const position of [...a, ...b]) {
    const known = joined.get(logKey(position))
    if (known === undefined || known.sequence < position.sequence) {
      joined.set(logKey(position), position)
    }
  }
  return [...joined.values()]
}

/** Whether a record lies within a vector. */
export const covers = (vector: VersionVector, record: LogPosition): boolean =>
  vector.some(
    (position) =>
      position.origin === record.origin &&
      position.incarnation === record.incarnation &&
      record.sequence <= position.sequence,
  )

const logKey = (log: Pick<LogPosition, 'origin' | 'incarnation'>): string =>
  `${log.origin} ${log.incarnation}`

const sequenceByLog = (vector: VersionVector): Map<string, number> =>
  new Map(vector.map((position) => [logKey(position), position.sequence]))
