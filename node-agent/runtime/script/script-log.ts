import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { limits } from '#protocol/limits.ts'

/**
 * What a script process prints: its beginning in `NAME.log`, its end in parts called after the byte they begin
 * with, `NAME.log.BYTE`. All of it is in files at once, so neither a killed script nor a killed agent takes it
 * along, and what was left out between can be told from the names alone.
 */
export interface ScriptLog {
  readonly path: string
  readonly follow: (stream: Readable, isError: boolean) => void
  readonly lastWords: () => string
}

export const createScriptLog = (folder: string, name: string): ScriptLog => {
  const path = join(folder, `${name}.log`)
  const keep = createKeeper(folder, path)
  let words = ''
  return {
    path,
    follow: (stream, isError) => {
      stream.on('data', (chunk: Buffer) => {
        keep(chunk)
        if (isError) words = (words + chunk.toString('utf8')).slice(-limits.processStderrBytes)
      })
      stream.on('error', () => {})
    },
    lastWords: () => words,
  }
}

/** Parts of one log, the oldest first. */
interface Part {
  readonly path: string
  room: number
}

const createKeeper = (folder: string, path: string): ((chunk: Buffer) => void) => {
  const parts: Part[] = []
  let current: Part = { path, room: limits.scriptLogHeadBytes }
  let printed = 0
  let ended = false

  const nextPart = (): Part => {
    const part = { path: `${path}.${printed}`, room: limits.scriptLogPartBytes }
    parts.push(part)
    const old = parts.length > limits.scriptLogParts ? parts.shift() : undefined
    if (old !== undefined) rmSync(old.path, { force: true })
    return part
  }
  const append = (chunk: Buffer): void => {
    // Most scripts print nothing: then there is no folder either.
    if (printed === 0) makeRoom(folder)
    for (let rest = chunk; rest.length > 0;) {
      if (current.room === 0) current = nextPart()
      const some = rest.subarray(0, current.room)
      appendFileSync(current.path, some)
      current.room -= some.length
      printed += some.length
      rest = rest.subarray(some.length)
    }
  }
  return (chunk) => {
    if (ended) return
    try {
      append(chunk)
    } catch {
      // A full disk must not stop the job: its log ends here.
      ended = true
    }
  }
}

/** Takes the oldest logs of the job away, each with all of its parts. */
const makeRoom = (folder: string): void => {
  mkdirSync(folder, { recursive: true })
  const files = readdirSync(folder).map((name) => ({
    log: name.replace(/\.log\.\d+$/, '.log'),
    path: join(folder, name),
    at: statSync(join(folder, name)).mtimeMs,
  }))
  const logs = [...Map.groupBy(files, ({ log }) => log).values()]
  const newest = (log: typeof files): number => Math.max(...log.map(({ at }) => at))
  const old = logs.toSorted((a, b) => newest(b) - newest(a)).slice(limits.scriptLogsPerJob - 1)
  for (const { path } of old.flat()) rmSync(path, { force: true })
}

/** Takes away folders of jobs that printed their last words long ago; `root` has one for each job. */
export const sweepScriptLogs = (root: string, now: number): void => {
  for (const name of existsSync(root) ? readdirSync(root) : []) {
    const folder = join(root, name)
    try {
      const isOld = statSync(folder).mtimeMs < now - limits.scriptLogsMs
      if (isOld || readdirSync(folder).length === 0) rmSync(folder, { recursive: true })
    } catch {
      // What cannot be looked at or deleted stays: an agent starts all the same.
    }
  }
}
