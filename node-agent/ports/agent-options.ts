import type { MusterError } from '#protocol/errors.ts'
import type { Result } from '#protocol/model/result.ts'

/** How one agent is started; the same for CLI, tests and bench. */
export interface AgentOptions {
  /** Absolute folder of identity, store, logs and caches; made if missing. */
  readonly home: string
  /** Addresses to listen on for other agents, once paired. */
  readonly listenHosts: readonly string[]
  /** TCP port for other agents; 0 means the one of last time, or any free one. */
  readonly port: number
  /** Loopback port of the control API; 0 means any free one. */
  readonly webPort: number
  /** Worker processes at most; left out, the owner's setting or the number of cores decides. */
  readonly slots?: number
  readonly mdns: boolean
  /** Name of this machine; left out, the one of last time or the host name. */
  readonly name?: string
  /** Whether items that this machine can see itself may be read where they lie. */
  readonly inPlace: boolean
  /** Whether entry scripts may run here; default true. */
  readonly scripts?: boolean
  readonly logLevel: LogLevel
  /** Folder of the built window; it may be missing. */
  readonly pageFolder: string
}

/** The least level of a line that is logged. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Dispose stops it cleanly. */
export interface RunningAgent extends AsyncDisposable {
  readonly webAddress: string
  /** PeerId. */
  readonly peer: string
  /** Resolves when the agent has stopped, for whatever reason; rejects if a defect stopped it. */
  readonly stopped: Promise<void>
}

/**
 * Starts the agent of a home. `HomeInUse`, `HomeNotWritable`, `PortTaken`, `StoreBroken` and the like are
 * results, not thrown.
 */
export type StartAgent = (options: AgentOptions) => Promise<Result<RunningAgent, MusterError>>
