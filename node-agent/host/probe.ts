import { access, open, rm, statfs } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import type { HostProbe, KnockOutcome } from '#agent/ports/host-probe.ts'
import { limits } from '#protocol/limits.ts'

export const createHostProbe = (options: {
  readonly home: string
  readonly pageFolder: string
  readonly pinnedNode: string
}): HostProbe => {
  const { home, pageFolder, pinnedNode } = options
  return {
    knock,
    fsyncMs: () => fsyncMs(home),
    freeBytes: async () => {
      try {
        const { bavail, bsize } = await statfs(home)
        return bavail * bsize
      } catch {
        return undefined
      }
    },
    node: () => ({ version: process.version, pinned: pinnedNode }),
    pageBuilt: async () => {
      try {
        await access(join(pageFolder, 'index.html'))
        return true
      } catch {
        return false
      }
    },
  }
}

const knock = (host: string, port: number): Promise<KnockOutcome> =>
  new Promise((resolve) => {
    const socket = createConnection({ host, port })
    const end = (outcome: KnockOutcome): void => {
      socket.destroy()
      resolve(outcome)
    }
    socket.setTimeout(limits.knockMs, () => end('silent'))
    socket.once('connect', () => end('answers'))
    socket.once('error', (thrown: NodeJS.ErrnoException) =>
      end(
        thrown.code === 'ECONNREFUSED'
          ? 'refused'
          : thrown.code === 'ETIMEDOUT'
            ? 'silent'
            : 'unreachable',
      ),
    )
  })

/** The middle of three, since one may meet another program's write. */
const fsyncMs = async (home: string): Promise<number | undefined> => {
  const path = join(home, `doctor-${process.pid}.tmp`)
  try {
    const times: number[] = []
    await using file = await open(path, 'w', 0o600)
    for (let round = 0; round < 3; round += 1) {
      await file.write(Buffer.alloc(4_096, round))
      const started = performance.now()
      await file.sync()
      times.push(performance.now() - started)
    }
    return times.toSorted((a, b) => a - b)[1]
  } catch {
    return undefined
  } finally {
    await rm(path, { force: true }).catch(() => undefined)
  }
}
