import { format } from 'node:util'
import process from 'node:process'

/** Writes to the process's log on the machine that runs it, with time and level. */
export interface ScriptLogger {
  readonly debug: (...words: readonly unknown[]) => void
  readonly info: (...words: readonly unknown[]) => void
  readonly warning: (...words: readonly unknown[]) => void
  readonly warn: (...words: readonly unknown[]) => void
  readonly error: (...words: readonly unknown[]) => void
}

const ranks = { DEBUG: 0, INFO: 1, WARNING: 2, ERROR: 3 } as const

export const createLogger = (level: 'DEBUG' | 'INFO' | 'WARNING'): ScriptLogger => {
  const at =
    (name: keyof typeof ranks) =>
    (...words: readonly unknown[]): void => {
      if (ranks[name] < ranks[level]) return
      process.stdout.write(`${new Date().toISOString()} ${name} ${format(...words)}\n`)
    }
  const warning = at('WARNING')
  return { debug: at('DEBUG'), info: at('INFO'), warning, warn: warning, error: at('ERROR') }
}
