import type { Millis, PeerId } from './ids.ts'

/**
 * What a member may do. `admin` changes members. `submit` submits jobs and registers models, which is
 * trust to run code on other people's machines. `work` runs leases.
 */
export type Role = 'admin' | 'submit' | 'work'

/** Every role, the most powerful first. */
export const roles: readonly Role[] = ['admin', 'submit', 'work']

/** A peer named in a signed membership record. */
export interface Member {
  readonly peer: PeerId
  readonly name: string
  readonly roles: readonly Role[]
  readonly addedBy: PeerId
  readonly addedAt: Millis
}

/** What a machine is, told on connection and when it changes. Sizes in bytes. */
export interface Capabilities {
  /** Host name, or the name its owner gave. */
  readonly name: string
  readonly agentVersion: string
  readonly platform: string
  readonly cores: number
  readonly memoryBytes: number
  /** Worker processes this machine will run at once, by its owner's limits. 0: none now. */
  readonly slots: number
  /** Execution providers that can be tried here, best first, for example `cpu`. */
  readonly devices: readonly string[]
  /** Words of its owner's choice, by which pools pick it; undefined: none. */
  readonly tags?: readonly string[]
}

/** How a member is seen from here. `suspect`: silent for a while, being redialled. */
export type Liveness = 'self' | 'alive' | 'suspect' | 'lost' | 'never-seen'
