/** What became of knocking at an address. */
export type KnockOutcome = 'answers' | 'refused' | 'silent' | 'unreachable'

/** Looks at this machine and its network for `doctor`. Nothing is changed but a small file written and removed. */
export interface HostProbe {
  /** Opens and closes a TCP connection; `silent` after `limits.knockMs`. */
  readonly knock: (host: string, port: number) => Promise<KnockOutcome>
  /** Milliseconds to write a small file in the home and force it to the disk; undefined if it cannot be written. */
  readonly fsyncMs: () => Promise<number | undefined>
  /** Bytes free on the disk of the home for this user; undefined if the system does not say. */
  readonly freeBytes: () => Promise<number | undefined>
  readonly node: () => NodeFacts
  /** Whether the built window is there. */
  readonly pageBuilt: () => Promise<boolean>
}

/** Which Node runs, and which one should. */
export interface NodeFacts {
  /** Such as `v26.10.0`. */
  readonly version: string
  /** The version that development and the app ship, such as `26.10.0`. */
  readonly pinned: string
}
