import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { limits } from '#protocol/limits.ts'
import type { ChildCommand } from '#test/support/network-child.ts'

const childFile = fileURLToPath(new URL('../support/network-child.ts', import.meta.url))

interface Line {
  readonly kind: string
  readonly [field: string]: unknown
}

/** A transport in a process of its own. */
interface Child {
  readonly process: ChildProcess
  readonly self: string
  readonly addresses: readonly string[]
  readonly tell: (command: ChildCommand) => void
  /** The first line, past or to come, that fits. */
  readonly until: (fits: (line: Line) => boolean) => Promise<Line>
}

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const startChild = async (name: string, mdnsTag = ''): Promise<Child> => {
  const home = await mkdtemp(join(tmpdir(), 'muster-network-'))
  const child = spawn(process.execPath, [childFile, join(home, 'key'), name, mdnsTag], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  cleanups.push(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    await rm(home, { recursive: true })
  })
  const lines: Line[] = []
  const looking = new Set<() => void>()
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(JSON.parse(text) as Line)
    for (const look of looking) look()
  })
  const until: Child['until'] = (fits) =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.find(fits)
        if (found === undefined) return
        looking.delete(look)
        clearTimeout(timer)
        resolve(found)
      }
      const timer = setTimeout(
        () => reject(new Error(`${name} never said it; it said ${JSON.stringify(lines)}`)),
        20_000,
      )
      looking.add(look)
      look()
    })
  const ready = await until(({ kind }) => kind === 'ready')
  expect(ready['ok']).toBe(true)
  return {
    process: child,
    self: String(ready['self']),
    addresses: ready['addresses'] as string[],
    tell: (command) => child.stdin.write(`${JSON.stringify(command)}\n`),
    until,
  }
}

const introduce = (one: Child, other: Child): void => {
  one.tell({ kind: 'member', peer: other.self })
  other.tell({ kind: 'member', peer: one.self })
}

const connected = async (mdnsTag = ''): Promise<[Child, Child]> => {
  const [one, other] = await Promise.all([startChild('one', mdnsTag), startChild('other', mdnsTag)])
  introduce(one, other)
  one.tell({ kind: 'dial', peer: other.self, addresses: other.addresses })
  const dialled = await one.until(({ kind }) => kind === 'dialled')
  expect(dialled['ok']).toBe(true)
  await other.until(({ kind }) => kind === 'peer-connected')
  return [one, other]
}

describe('two processes', () => {
  it('exchange messages and requests, and end by themselves', async () => {
    const [one, other] = await connected()
    one.tell({ kind: 'send', peer: other.self, count: 5_000 })
    other.tell({ kind: 'send', peer: one.self, count: 3_000 })
    expect(await other.until(({ kind }) => kind === 'got')).toMatchObject({
      count: 5_000,
      inOrder: true,
    })
    expect(await one.until(({ kind }) => kind === 'got')).toMatchObject({
      count: 3_000,
      inOrder: true,
    })
    one.tell({ kind: 'ask', peer: other.self, count: 100 })
    expect(await one.until(({ kind }) => kind === 'answered')).toMatchObject({ answers: 100 })

    const left = once(one.process, 'exit')
    const start = performance.now()
    one.tell({ kind: 'end' })
    await other.until(({ kind }) => kind === 'peer-disconnected')
    await one.until(({ kind }) => kind === 'ended')
    // No `process.exit` there: it ends because nothing is left open.
    expect(await left).toEqual([0, null])
    expect(performance.now() - start).toBeLessThan(4_000)
  })

  it.each(['one', 'other'] as const)('notice quickly that %s was killed', async (victim) => {
    const [one, other] = await connected()
    const [killed, survivor] = victim === 'one' ? [one, other] : [other, one]
    const start = performance.now()
    killed.process.kill('SIGKILL')
    const gone = await survivor.until(({ kind }) => kind === 'peer-disconnected')
    expect(gone['peer']).toBe(killed.self)
    // By the end of its connection, not by its silence.
    expect(performance.now() - start).toBeLessThan(limits.suspectMs)
  })

  it('find each other by mDNS within their own tag', async (test) => {
    if (!(await multicastWorks())) test.skip('this machine passes no multicast on')
    const tag = `muster-test-${process.pid}`
    const [one, other, stranger] = await Promise.all([
      startChild('one', tag),
      startChild('other', tag),
      startChild('stranger', `_muster-other-${process.pid}._udp.local`),
    ])
    const found = await one.until(
      ({ kind, peer }) => kind === 'peer-discovered' && peer === other.self,
    )
    await other.until(({ kind, peer }) => kind === 'peer-discovered' && peer === one.self)
    introduce(one, other)
    one.tell({ kind: 'dial', peer: other.self, addresses: found['addresses'] as string[] })
    expect(await one.until(({ kind }) => kind === 'dialled')).toMatchObject({ ok: true })
    await expect(
      Promise.race([
        stranger.until(({ kind }) => kind === 'peer-discovered'),
        new Promise((resolve) => setTimeout(resolve, 1_000, 'found nobody')),
      ]),
    ).resolves.toBe('found nobody')
    const left = [one, other].map((child) => once(child.process, 'exit'))
    for (const child of [one, other]) child.tell({ kind: 'end' })
    expect(await Promise.all(left)).toEqual([
      [0, null],
      [0, null],
    ])
  })
})

/** Whether a datagram to a multicast group comes back on this machine, as mDNS needs it. */
const multicastWorks = async (): Promise<boolean> => {
  const group = '224.0.0.251'
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  try {
    socket.bind(0, '0.0.0.0')
    await once(socket, 'listening')
    socket.addMembership(group)
    socket.setMulticastLoopback(true)
    const heard = once(socket, 'message', { signal: AbortSignal.timeout(1_000) })
    socket.send('is anybody there', socket.address().port, group)
    await heard
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}
