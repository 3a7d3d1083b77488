/** What the machine is and how busy it is. */
export interface HostFacts {
  readonly name: string
  readonly platform: string
  readonly cores: number
  readonly memoryBytes: number
}

export interface HostSignals {
  readonly facts: () => HostFacts
  /** Share of all cores in use by anybody since the last call, 0 to 1. */
  readonly load: () => number
}
