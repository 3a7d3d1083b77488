import type { Capabilities } from './member.ts'
import type { Millis } from './ids.ts'

/** A named subset of the cluster's peers that a job may use. Machines are picked by rule, not by list. */
export interface PoolRule {
  readonly name: string
  readonly description: string
  /** Jobs wait while fewer of its machines are there; 0: they never wait for that. */
  readonly minPeers: number
  /** Machines that work for its jobs at once, all of them together; null: any number. */
  readonly maxPeers: number | null
  readonly filter: PoolFilter
  readonly createdAt: Millis
}

/** What a machine must have, all of it together. */
export interface PoolFilter {
  /** One of these names; empty: any. */
  readonly names: readonly string[]
  /** All of these tags. */
  readonly tags: readonly string[]
  /** A device other than the CPU. */
  readonly gpu: boolean
  /** At least this much memory. */
  readonly memoryBytes: number
}

/** A pool was made or changed. `clock` as in `job-pause-changed`, by the pool's name. */
export interface PoolSet {
  readonly kind: 'pool-set'
  readonly pool: PoolRule
  readonly clock: number
  readonly at: Millis
}

/** Jobs that name the pool wait until there is one of that name again. */
export interface PoolRemoved {
  readonly kind: 'pool-removed'
  readonly name: string
  readonly clock: number
  readonly at: Millis
}

/** Whether a machine belongs to a pool. */
export const fitsPool = ({ filter }: PoolRule, machine: Capabilities): boolean =>
  (filter.names.length === 0 || filter.names.includes(machine.name)) &&
  filter.tags.every((tag) => machine.tags?.includes(tag) === true) &&
  (!filter.gpu || machine.devices.some((device) => device !== 'cpu')) &&
  machine.memoryBytes >= filter.memoryBytes
