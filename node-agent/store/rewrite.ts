import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Log } from '#agent/ports/log.ts'
import { limits } from '#protocol/limits.ts'

/**
 * Writes the file of a store anew while nobody asks for it: words of forgotten jobs then stand nowhere in it, and
 * what is free goes back to the disk. A large file takes minutes, so a process of its own does it, which can be
 * stopped at any moment: SQLite keeps what was durable before.
 */
export interface Rewriter {
  /** Begins; whoever wants the store disposes of it first. */
  readonly begin: () => AsyncDisposable
}

export interface RewriterDeps {
  /** Absolute path of the database. */
  readonly file: string
  readonly log: Log
}

export const createRewriter = ({ file, log }: RewriterDeps): Rewriter => {
  let waitMs = 0
  const run = async (signal: AbortSignal): Promise<void> => {
    for (;;) {
      await wait(waitMs, undefined, { signal, ref: false })
      // A store that is never left alone for long enough is not begun again and again.
      waitMs = Math.min(Math.max(2 * waitMs, limits.rewriteRetryMs), limits.rewriteRetryMostMs)
      const said = await rewrite(file, signal)
      signal.throwIfAborted()
      if (said === '') break
      log.warn('the store could not be written anew yet', { detail: said })
    }
    waitMs = 0
    log.info('the store was written anew')
  }
  return {
    begin: () => {
      const stop = new AbortController()
      const done = run(stop.signal).catch((thrown: unknown) => {
        if (!stop.signal.aborted) log.warn('the store was not written anew', { detail: thrown })
      })
      return {
        [Symbol.asyncDispose]: async () => {
          stop.abort()
          await done
        },
      }
    },
  }
}

const root = new URL('./rewrite-process.ts', import.meta.url)

/** Resolves when the process is gone: empty if it did it, else its last words. */
const rewrite = async (file: string, signal: AbortSignal): Promise<string> => {
  const child = spawn(process.execPath, [fileURLToPath(root), file], {
    // 0: held open as a sign of life.
    stdio: ['pipe', 'ignore', 'pipe'],
    // SQLite puts the copy there until it is whole: not into memory, and not onto another disk.
    env: { ...process.env, SQLITE_TMPDIR: dirname(file) },
    windowsHide: true,
  })
  let words = ''
  child.stdin.on('error', () => {})
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-limits.processStderrBytes)
  })
  const kill = (): void => void child.kill('SIGKILL')
  signal.addEventListener('abort', kill, { once: true })
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    return code === 0 ? '' : words || `its process ended with ${code}`
  } finally {
    signal.removeEventListener('abort', kill)
  }
}
