import type { PeerId } from './ids.ts'

/** How far a log is known: sequence of the last record held, -1 for none. */
export interface LogPosition {
  readonly origin: PeerId
  readonly incarnation: number
  readonly sequence: number
}

/** What an agent holds of every log. */
export type VersionVector = readonly LogPosition[]
