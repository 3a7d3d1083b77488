/** What the machine is and how busy it is. */
export interface HostFacts {
  readonly name: string
  readonly platform: string
  readonly cores: number
  readonly memoryBytes: number
}

/** What the machine is and how busy it is, as it is asked. */
export interface HostSignals {
  readonly facts: () => HostFacts
  /** Memory that programs may still take without the system having to swap. */
  readonly freeBytes: () => number
  /** Share of all cores in use by anybody since the last call, 0 to 1. */
  readonly load: () => number
}
