import { spawnSync } from 'node:child_process'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import process from 'node:process'
import { expect, it } from 'vitest'
import { startHost } from '#agent/runtime/script/script-host.ts'
import { createScriptLog } from '#agent/runtime/script/script-log.ts'

/** Starts a child that outlives its parent and holds what the parent was given, as bubblewrap's may. */
const leaves = 'sleep 1000 & echo $! >&2; wait'

const attach = async (folder: string) => {
  const host = startHost(2 ** 28, undefined)
  const log = createScriptLog(folder, '1-0')
  const attached = host.attach({
    command: { file: '/bin/sh', words: ['-c', leaves] },
    log,
    entry: 'score.ts',
    heapMib: 64,
  })
  await expect.poll(() => Number(log.lastWords())).toBeGreaterThan(0)
  return { host, attached, child: Number(log.lastWords()) }
}

it.runIf(process.platform !== 'win32').each(['by us', 'by somebody else'])(
  'a script process that is killed %s while it is set up leaves no child that holds its slot',
  async (who) => {
    await using folder = await mkdtempDisposable(`${tmpdir()}/muster-host-`)
    const { host, attached, child } = await attach(folder.path)
    if (who === 'by us') host.kill()
    else process.kill(attached.pid, 'SIGKILL')
    await attached.gone
    await host.exited
    await expect.poll(() => isThere(child)).toBe(false)
  },
)

/** A dead child that nobody has asked about yet counts as gone. */
const isThere = (pid: number): boolean => {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return /^[^Z]/.test(stdout.trim())
}
