import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { createRequire } from 'node:module'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rowsOf } from '../support/rows.ts'
import { createScriptLab, runItems } from '../support/scripts.ts'
import type { ScriptLab } from '../support/scripts.ts'
import { probeScript } from '../support/security-probe.ts'

/**
 * Measures what a script can do that it should not: docs/security.md is written from these tables. A hole
 * that closes, or a wall that opens, fails here, and the page must follow.
 */

/** Open under Node's permission model alone, on Linux as measured with Node 26.10. */
const openInSeatBelt = [
  'follow a link that lies in the bundle',
  'follow a link in the output folder',
  'see processes of the owner',
  'kill a process of the owner',
  'kill its parent',
  'change the priority of a process of the owner',
  'learn the name of the owner',
  'learn the name of the machine',
  'make code from text',
  'run WebAssembly',
]
/** Open in bubblewrap too. */
const openInSandbox = ['make code from text', 'run WebAssembly']
/** What the system denies to all but root, whose agent no office should run. */
const openToRoot = process.getuid?.() === 0 ? ['raise its own priority'] : []

const hasBubblewrap = ((): boolean => {
  try {
    execFileSync('bwrap', ['--unshare-all', '--ro-bind', '/', '/', 'true'])
    return true
  } catch {
    return false
  }
})()

let lab: ScriptLab
let victim: ChildProcess
let here: Record<string, unknown>
const server = createServer((socket) => socket.destroy())
const unixServer = createServer((socket) => socket.destroy())
const udp = createSocket('udp4')

beforeAll(async () => {
  lab = await createScriptLab()
  process.env['SECRET_OF_OWNER'] = 'secret'
  await mkdir(join(lab.home, 'secret'))
  const secret = join(lab.home, 'secret', 'secret.txt')
  const otherItem = join(lab.home, 'cache', 'script-items', 'other', 'item.txt')
  await mkdir(join(otherItem, '..'), { recursive: true })
  await writeFile(secret, 'secret')
  await writeFile(otherItem, 'secret')
  const socket = join(lab.home, 'socket')
  await Promise.all([
    once(server.listen(0, '127.0.0.1'), 'listening'),
    once(unixServer.listen(socket), 'listening'),
    once(udp.bind(0, '127.0.0.1'), 'listening'),
  ])
  here = {
    secret,
    otherItem,
    socket,
    home: lab.home,
    target: join(lab.home, 'written'),
    temp: join(tmpdir(), `muster-probe-${process.pid}`),
    port: (server.address() as AddressInfo).port,
    udpPort: udp.address().port,
    addon: createRequire(import.meta.url).resolve('better-sqlite3'),
    pid: process.pid,
    hostname: hostname(),
  }
})
afterAll(async () => {
  delete process.env['SECRET_OF_OWNER']
  for (const open of [server, unixServer, udp]) open.close()
  await lab[Symbol.asyncDispose]()
})

/** All tries and how they ended. */
const probe = async (sandbox: boolean): Promise<Readonly<Record<string, string>>> => {
  victim = spawn('sleep', ['60'])
  try {
    const before = await readdir(lab.home)
    const placed = join(lab.home, 'placed', String(lab.next()))
    const spec = { environment: { PROBE: JSON.stringify({ ...here, placed, victim: victim.pid }) } }
    const worker = await lab.started(probeScript, {
      sandbox,
      spec,
      plant: here['secret'] as string,
    })
    const outcome = await runItems(worker, ['a'])
    if (outcome.kind !== 'succeeded') throw new Error(outcome.message)
    const after = await readdir(lab.home)
    expect(after.filter((name) => name.startsWith('written') && !before.includes(name))).toEqual([])
    return JSON.parse(rowsOf(outcome)[0] ?? '') as Record<string, string>
  } finally {
    victim.kill('SIGKILL')
  }
}

const openOnes = (found: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(found).flatMap(([name, how]) => (how === 'open' ? [name] : []))

describe('what a script cannot do', () => {
  test("under Node's permission model alone", async () => {
    const found = await probe(false)
    expect(openOnes(found).toSorted()).toEqual([...openInSeatBelt, ...openToRoot].toSorted())
  })

  test.skipIf(!hasBubblewrap)('in bubblewrap', async () => {
    const found = await probe(true)
    expect(openOnes(found).toSorted()).toEqual(openInSandbox.toSorted())
  })

  test('docs/security.md names all that is open, and nothing else as open', async () => {
    const page = await readFile(new URL('../../docs/security.md', import.meta.url), 'utf8')
    const rows = [...page.matchAll(/^\| ([^|]+?) \| (open|closed) \| (open|closed) \|/gm)]
    const openIn = (column: 2 | 3): readonly string[] =>
      rows.flatMap((row) => (row[column] === 'open' ? [row[1] ?? ''] : []))
    expect(openIn(2).toSorted()).toEqual(openInSeatBelt.toSorted())
    expect(openIn(3).toSorted()).toEqual(openInSandbox.toSorted())
  })
})
