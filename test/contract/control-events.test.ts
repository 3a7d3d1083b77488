import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createDeltaLog } from '#agent/control/delta-log.ts'
import { eventsPath } from '#protocol/control/api.ts'
import type { DeltaView } from '#protocol/control/views.ts'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { startControlFixture } from '#test/support/control-fixture.ts'
import type { ControlFixture } from '#test/support/control-fixture.ts'

let fixture: ControlFixture
beforeEach(async () => {
  fixture = await startControlFixture()
})
afterEach(() => fixture[Symbol.asyncDispose]())

/** Reads deltas until `count` came, then hangs up. */
const take = async (since: number, count: number): Promise<number[]> => {
  const stop = new AbortController()
  const found: number[] = []
  for await (const { sequence } of fixture.client.follow(since, stop.signal)) {
    found.push(sequence)
    if (found.length === count) break
  }
  stop.abort()
  return found
}

const follow = (headers: Record<string, string> = {}, query = ''): Promise<Response> =>
  fetch(fixture.server.webAddress + eventsPath + query, {
    headers: { authorization: `Bearer ${fixture.server.token}`, ...headers },
  })

describe('following', () => {
  test('gives what happened since the snapshot, then what happens, each once and in order', async () => {
    const { sequence } = await fixture.client.call('snapshot')
    for (let count = 0; count < 3; count += 1) fixture.changeJob('01JOB', { committed: count })
    const stop = new AbortController()
    const seen: { sequence: number; committed: number }[] = []
    for await (const each of fixture.client.follow(sequence, stop.signal)) {
      if (each.delta.kind === 'job-changed') {
        seen.push({ sequence: each.sequence, committed: each.delta.job.committed })
      }
      if (seen.length === 3) fixture.changeJob('01JOB', { committed: 3 })
      if (seen.length === 4) break
    }
    stop.abort()
    expect(seen).toEqual(
      [0, 1, 2, 3].map((committed) => ({ sequence: sequence + 1 + committed, committed })),
    )
  })

  test('resumes after the last event id, by header or by query', async () => {
    for (let count = 0; count < 5; count += 1) fixture.changeJob('01JOB', {})
    expect(await take(1_002, 3)).toEqual([1_003, 1_004, 1_005])
    const answer = await follow({}, '?since=1004')
    const reader = answer.body?.getReader()
    const first = new TextDecoder().decode((await reader?.read())?.value)
    expect(first).toMatch(
      /^: following\n\nid: 1005\nevent: delta\ndata: \{"kind":"job-changed".*\}\n\n$/,
    )
    await reader?.cancel()
  })

  test('a place that is gone, or of another run, asks for a new snapshot', async () => {
    for (let count = 0; count <= limits.eventBacklog; count += 1) fixture.changeJob('01JOB', {})
    for (const since of [0, 1_000, 1_000 + limits.eventBacklog + 2]) {
      const answer = await follow({ 'last-event-id': String(since) })
      expect([since, answer.status]).toEqual([since, 410])
      expect(await answer.json()).toMatchObject({ code: 'NotFound' })
    }
    expect(await take(1_001, limits.eventBacklog)).toHaveLength(limits.eventBacklog)
    await expect(take(5, 1)).rejects.toSatisfy(
      (thrown) => thrown instanceof MusterFailure && thrown.error.code === 'NotFound',
    )
    expect((await follow({ 'last-event-id': '-1' })).status).toBe(400)
    expect((await follow({ 'last-event-id': '1.5' })).status).toBe(400)
  })

  test('many readers get the same, and leave no trace', async () => {
    const readers = Array.from({ length: 5 }, () => take(1_000, 2))
    fixture.changeJob('01JOB', {})
    fixture.changeJob('01JOB', {})
    expect(await Promise.all(readers)).toEqual(readers.map(() => [1_001, 1_002]))
  })

  test('only so many at once', async () => {
    const open = await Promise.all(Array.from({ length: limits.followers }, () => follow()))
    expect(open.every((answer) => answer.status === 200)).toBe(true)
    const full = await follow()
    expect([full.status, await full.json()]).toEqual([
      503,
      expect.objectContaining({ code: 'Full' }),
    ])
    await Promise.all(open.map(async (answer) => answer.body?.cancel()))
  })

  test('a reader who does not read is dropped, the others go on', async () => {
    const slow = await openAndRead()
    const dropped = new Promise((resolve) => slow.once('close', resolve))
    const reason = 'x'.repeat(limits.followerBytes / 10)
    const stop = new AbortController()
    let heard = 0
    fixture.changeJob('01JOB', { reason })
    for await (const { sequence } of fixture.client.follow(1_000, stop.signal)) {
      heard = sequence - 1_000
      if (heard === 50) break
      fixture.changeJob('01JOB', { reason })
    }
    stop.abort()
    expect(heard).toBe(50)
    // What stands in the system's buffers may still be read; then the connection is over.
    slow.resume()
    await dropped
    const again = await follow({ 'last-event-id': '1049' })
    expect(again.status).toBe(200)
    await again.body?.cancel()
  })
})

/** A connection that follows and then stops reading. */
const openAndRead = async (): Promise<Socket> => {
  const { port, host } = new URL(fixture.server.webAddress)
  const socket = connect(Number(port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `GET ${eventsPath} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${fixture.server.token}\r\n\r\n`,
  )
  await new Promise((resolve) => socket.once('data', resolve))
  socket.pause()
  return socket
}

describe('delta log', () => {
  const delta = (peer: string): DeltaView => ({ kind: 'machine-removed', peer })

  test('keeps the newest, and says when older ones are gone', () => {
    const log = createDeltaLog(10, 3)
    expect(log.since(10)).toEqual([])
    for (const peer of ['a', 'b', 'c', 'd']) log.push(delta(peer))
    expect(log.sequence()).toBe(14)
    expect(log.since(10)).toBeUndefined()
    expect(log.since(11)?.map((each) => each.sequence)).toEqual([12, 13, 14])
    expect(log.since(13)).toEqual([{ sequence: 14, delta: delta('d') }])
    expect(log.since(14)).toEqual([])
    expect(log.since(15)).toBeUndefined()
    expect(log.since(9)).toBeUndefined()
  })

  test('tells its listeners until they are disposed of', () => {
    const log = createDeltaLog(0)
    const heard: number[] = []
    const listening = log.on(({ sequence }) => heard.push(sequence))
    log.push(delta('a'))
    listening[Symbol.dispose]()
    log.push(delta('b'))
    expect(heard).toEqual([1])
  })
})
