import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { pino } from 'pino'
import type { Logger } from 'pino'
import type { Log } from '#agent/ports/log.ts'

/** The agent's log, one JSON line an entry, appended to `file`. Secrets and tokens are cut out. */
export const createLog = (file: string, level: 'debug' | 'info' | 'warn' | 'error'): Log => {
  mkdirSync(dirname(file), { recursive: true })
  const redact = ['secret', '*.secret', 'authorization', 'recoveryCode', '*.recoveryCode']
  return toLog(pino({ level, redact, base: null }, pino.destination({ dest: file, sync: true })))
}

const toLog = (logger: Logger): Log => ({
  debug: (message, fields) => logger.debug(fields ?? {}, message),
  info: (message, fields) => logger.info(fields ?? {}, message),
  warn: (message, fields) => logger.warn(fields ?? {}, message),
  error: (message, fields) => logger.error(fields ?? {}, message),
  child: (room) => toLog(logger.child({ room })),
})
