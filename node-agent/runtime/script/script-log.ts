import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { limits } from '#protocol/limits.ts'

/** What a script process prints, kept in a file up to a limit; its last words on standard error. */
export interface ScriptLog {
  readonly path: string
  readonly follow: (stream: Readable, isError: boolean) => void
  readonly lastWords: () => string
}

export const createScriptLog = (folder: string, name: string): ScriptLog => {
  const path = join(folder, `${name}.log`)
  let kept = 0
  let words = ''

  const keep = (chunk: Buffer): void => {
    const room = limits.scriptLogBytes - kept
    if (room <= 0) return
    const part = chunk.length <= room ? chunk : chunk.subarray(0, room)
    kept += part.length
    const isFull = kept >= limits.scriptLogBytes
    try {
      // Most scripts print nothing: then there is no folder either.
      if (kept === part.length) makeRoom(folder)
      appendFileSync(path, isFull ? Buffer.concat([part, Buffer.from(full)]) : part)
    } catch {
      // A full disk must not stop the job: its log ends here.
      kept = limits.scriptLogBytes
    }
  }
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

const full = `\n[the log is full: what the script printed after ${limits.scriptLogBytes} bytes was dropped]\n`

const makeRoom = (folder: string): void => {
  mkdirSync(folder, { recursive: true })
  const logs = readdirSync(folder)
    .map((name) => ({ path: join(folder, name), at: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at)
  for (const { path } of logs.slice(limits.scriptLogsPerJob - 1)) rmSync(path, { force: true })
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
