/** Structured log of the agent. `fields` are data, `message` one short sentence. */
export interface Log {
  readonly debug: (message: string, fields?: object) => void
  readonly info: (message: string, fields?: object) => void
  readonly warn: (message: string, fields?: object) => void
  readonly error: (message: string, fields?: object) => void
  /** The same log with a room's name on every line. */
  readonly child: (room: string) => Log
}
