import { randomBytes } from 'node:crypto'
import type { Connection } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ledgerProtocol } from '#protocol/wire/ledger/protocol.ts'
import { helloProtocol } from '#protocol/wire/hello/protocol.ts'
import type { Hello } from '#protocol/wire/hello/protocol.ts'
import { pairProtocol } from '#protocol/wire/pair/protocol.ts'
import { requestFrame } from '#protocol/wire/request-frames.ts'
import { createTransport } from '#agent/network/transport.ts'
import type { Transport } from '#agent/ports/transport.ts'
import {
  closed,
  createHostilePeer,
  frameOf,
  helloWith,
  throwAt,
} from '#test/support/hostile-peer.ts'
import type { HostilePeer } from '#test/support/hostile-peer.ts'
import {
  clusterB,
  frames,
  message,
  newKeys,
  numbers,
  record,
  recordingLog,
  turnableIdentity,
  waitFor,
} from '#test/support/network-fixtures.ts'
import type { Recorder, Turnable } from '#test/support/network-fixtures.ts'

const bounds = { answerMs: 600, closeMs: 300, undecodableMessages: 20, strangerConnections: 2 }

describe.each(['lower', 'higher'])('a hostile peer with the %s PeerId', (place) => {
  let hostile: HostilePeer
  let honest: Transport
  let identity: Turnable
  let seen: Recorder
  let log: ReturnType<typeof recordingLog>
  let got: number[]

  beforeEach(async () => {
    const keys = await newKeys(2)
    const [theirs, ours] = place === 'lower' ? keys : keys.toReversed()
    if (theirs === undefined || ours === undefined) throw new Error('two were asked for')
    hostile = await createHostilePeer(theirs)
    identity = turnableIdentity('honest')
    identity.state.members.add(theirs.peer)
    log = recordingLog()
    honest = await createTransport({ privateKey: ours.privateKey, identity, log, bounds })
    await honest.listen({ hosts: ['127.0.0.1'], port: 0 })
    seen = record(honest)
    got = []
    honest.receive(numbers, (_peer, { number }) => got.push(number))
    honest.serve(frames, async function* (_peer, { count }) {
      for (let index = 0; index < count; index++) yield { index, data: new Uint8Array(8) }
    })
  })

  afterEach(async () => {
    await honest[Symbol.asyncDispose]()
    await hostile[Symbol.asyncDispose]()
  })

  const connectHostile = (): Promise<Connection> => hostile.connect(honest.addresses())

  const greeted = async (): Promise<Connection> => {
    const connection = await connectHostile()
    await hostile.greetProperly(connection, honest.self)
    await seen.until((event) => event.kind === 'peer-connected')
    return connection
  }

  const refusal = async (): Promise<string> => {
    const event = await seen.until(({ kind }) => kind === 'peer-refused')
    return event.kind === 'peer-refused' ? event.error.code : ''
  }

  const isStillWell = async (connection: Connection): Promise<void> => {
    const stream = await connection.newStream(numbers.id)
    const bytes = numbers.encode(message(42))
    throwAt(stream, frameOf(bytes.length, bytes))
    await waitFor(() => got.includes(42))
  }

  it('that is no member is cut after the handshake', async () => {
    identity.state.members.clear()
    const connection = await connectHostile().catch(() => undefined)
    if (connection !== undefined) await closed(connection)
    expect(await refusal()).toBe('NotAMember')
  })

  it('that is no member gets nothing but pairing while an invitation is open', async () => {
    identity.state.members.clear()
    identity.state.pairingOpen = true
    for (const protocol of [numbers.id, frames.id, helloProtocol.id]) {
      const connection = await connectHostile()
      const stream = await connection.newStream(protocol)
      const bytes = numbers.encode(message(1))
      throwAt(stream, frameOf(bytes.length, bytes))
      await closed(connection)
    }
    expect(got).toEqual([])
    expect(seen.kinds()).not.toContain('peer-connected')
  })

  it('that is no member and says nothing is cut before long', async () => {
    identity.state.members.clear()
    identity.state.pairingOpen = true
    await closed(await connectHostile(), 3_000)
  })

  it('that pairs in garbage is answered with a failure', async () => {
    identity.state.members.clear()
    identity.state.pairingOpen = true
    let asked = 0
    honest.servePairing(async () => {
      asked++
      return { kind: 'refused', why: 'unknown' }
    })
    const stream = await (await connectHostile()).newStream(pairProtocol.id)
    const answer: Uint8Array[] = []
    stream.addEventListener('message', ({ data }) => answer.push(data.subarray()))
    throwAt(stream, frameOf(3, Uint8Array.of(requestFrame.request, 0xff, 0xff)))
    await waitFor(() => answer.length > 0)
    expect(answer[0]?.[4]).toBe(requestFrame.failure)
    expect(asked).toBe(0)
  })

  it('that is a crowd of strangers is held to a few connections', async () => {
    identity.state.members.clear()
    identity.state.pairingOpen = true
    const crowd = await newKeys(3)
    const others = await Promise.all(crowd.map((key) => createHostilePeer(key)))
    try {
      for (const other of others) await other.connect(honest.addresses()).catch(() => undefined)
      await seen.until((event) => event.kind === 'peer-refused')
      expect(seen.events.length).toBe(1)
    } finally {
      await Promise.all(others.map((other) => other[Symbol.asyncDispose]()))
    }
  })

  it('that says nothing after the handshake is cut', async () => {
    await closed(await connectHostile(), 3_000)
    expect(seen.kinds()).not.toContain('peer-connected')
  })

  it('that opens the hello and says nothing is refused in words', async () => {
    const connection = await connectHostile()
    await connection.newStream(helloProtocol.id)
    expect(await refusal()).toBe('TimedOut')
    await closed(connection, 3_000)
  })

  it('that never answers our hello times out', async () => {
    await hostile.node.handle(helloProtocol.id, () => undefined)
    const dialled = await honest.dial(hostile.peer, [hostile.address])
    expect(dialled).toMatchObject({ ok: false, error: { code: 'TimedOut', retryable: true } })
  })

  it('that knows no hello at all is refused', async () => {
    const dialled = await honest.dial(hostile.peer, [hostile.address])
    expect(dialled.ok).toBe(false)
    expect(honest.connected()).toEqual([])
  })

  const misfits: [string, Partial<Hello>][] = [
    ['OtherCluster', { cluster: clusterB }],
    ['PeerTooOld', { version: 0, oldest: 0 }],
    ['PeerTooNew', { version: 99, oldest: 99 }],
  ]
  it.each(misfits)('is told apart: %s', async (code, changes) => {
    const connection = await connectHostile()
    const stream = await connection.newStream(helloProtocol.id)
    const bytes = helloProtocol.encode(helloWith(changes))
    throwAt(stream, frameOf(bytes.length, bytes))
    expect(await refusal()).toBe(code)
    await closed(connection, 3_000)
    await hostile.node.handle(helloProtocol.id, (answered) =>
      throwAt(answered, frameOf(bytes.length, bytes)),
    )
    const dialled = await honest.dial(hostile.peer, [hostile.address])
    expect(dialled).toMatchObject({ ok: false, error: { code } })
    expect(honest.connected()).toEqual([])
  })

  it.each([
    ['garbage', frameOf(64, randomBytes(64))],
    ['nothing', frameOf(0)],
    ['a length of 2^31', frameOf(2 ** 31, randomBytes(1_000))],
  ])('that greets with %s is refused', async (_what, bytes) => {
    const connection = await connectHostile()
    throwAt(await connection.newStream(helloProtocol.id), bytes)
    expect(await refusal()).toBe('MessageInvalid')
    await closed(connection, 3_000)
  })

  it('that greets twice is not heard twice', async () => {
    const connection = await greeted()
    const second = await connection.newStream(helloProtocol.id)
    const bytes = helloProtocol.encode(helloWith({}))
    throwAt(second, frameOf(bytes.length, bytes))
    await isStillWell(connection)
    expect(seen.kinds()).toEqual(['peer-connected'])
  })

  it('that dials again keeps its first connection, if we are the lower and decide', async () => {
    const first = await greeted()
    const second = await connectHostile()
    const verdict = await hostile.greetProperly(second, honest.self)
    if (place === 'higher') {
      expect(verdict).toBe('doubled')
      await closed(second, 3_000)
      await isStillWell(first)
      expect(seen.kinds()).toEqual(['peer-connected'])
    } else {
      await closed(first, 3_000)
      await isStillWell(second)
    }
  })

  it('that was started again takes the place of its ghost', async () => {
    const ghost = await greeted()
    const reborn = await connectHostile()
    expect(await hostile.greetProperly(reborn, honest.self, 2)).toBe('kept')
    await closed(ghost, 3_000)
    await waitFor(() => seen.events.length === 3)
    expect(seen.kinds()).toEqual(['peer-connected', 'peer-disconnected', 'peer-connected'])
    await isStillWell(reborn)
  })

  it('that sends messages without a hello is not heard', async () => {
    const connection = await connectHostile()
    const bytes = numbers.encode(message(1))
    throwAt(await connection.newStream(numbers.id), frameOf(bytes.length, bytes))
    await closed(connection, 3_000)
    expect(got).toEqual([])
  })

  it('that announces 2^31 bytes is cut', async () => {
    const connection = await greeted()
    throwAt(await connection.newStream(numbers.id), frameOf(2 ** 31))
    await closed(connection)
    const gone = await seen.until((event) => event.kind === 'peer-disconnected')
    expect(gone).toMatchObject({ reason: expect.stringContaining('2147483648 bytes') })
  })

  it('that sends a frame without end is cut at its header', async () => {
    const connection = await greeted()
    const stream = await connection.newStream(numbers.id)
    throwAt(stream, frameOf(numbers.maxFrameBytes + 1, randomBytes(100_000)))
    for (let block = 0; block < 20; block++) throwAt(stream, randomBytes(100_000))
    await closed(connection)
    expect(got).toEqual([])
  })

  it('that sends a frame byte by byte is understood', async () => {
    const connection = await greeted()
    const stream = await connection.newStream(numbers.id)
    const bytes = numbers.encode(message(9))
    for (const byte of frameOf(bytes.length, bytes)) throwAt(stream, Uint8Array.of(byte))
    await waitFor(() => got.includes(9))
  })

  it('that sends garbage in good frames is heard again, until it is too much', async () => {
    const connection = await greeted()
    const stream = await connection.newStream(numbers.id)
    const nested = new Uint8Array(500_000).fill(0x81)
    for (const body of [randomBytes(30), new Uint8Array(), nested])
      throwAt(stream, frameOf(body.length, body))
    await waitFor(() => log.lines.filter(({ level }) => level === 'warn').length === 3)
    await isStillWell(connection)
    for (let index = 0; index < 20; index++) throwAt(stream, frameOf(4, Uint8Array.of(1, 2, 3, 4)))
    await closed(connection)
  })

  it('that breaks the order of a request stream loses the stream, not more', async () => {
    const connection = await greeted()
    for (const body of [Uint8Array.of(77), Uint8Array.of(requestFrame.answer), new Uint8Array()]) {
      const stream = await connection.newStream(frames.id)
      throwAt(stream, frameOf(body.length, body))
      await waitFor(() => stream.status !== 'open')
    }
    await isStillWell(connection)
  })

  it('that asks in garbage is answered with a failure', async () => {
    const connection = await greeted()
    const stream = await connection.newStream(frames.id)
    const answer: Uint8Array[] = []
    stream.addEventListener('message', ({ data }) => answer.push(data.subarray()))
    throwAt(stream, frameOf(4, Uint8Array.of(requestFrame.request, 0xff, 0xff, 0xff)))
    await waitFor(() => answer.length > 0)
    expect(answer[0]?.[4]).toBe(requestFrame.failure)
    await isStillWell(connection)
  })

  it('that opens hundreds of streams cannot have them', async () => {
    const connection = await greeted()
    const opened = await Promise.all(
      Array.from({ length: 40 }, () => connection.newStream(numbers.id).catch(() => undefined)),
    )
    await waitFor(() => opened.filter((stream) => stream?.status === 'open').length <= 4)
    for (const stream of opened) stream?.abort(new Error('done'))
    await isStillWell(connection)
  })

  it('that asks for a protocol nobody handles is told so', async () => {
    const connection = await greeted()
    await expect(connection.newStream(ledgerProtocol.id)).rejects.toThrow()
    await isStillWell(connection)
  })

  it('that is no longer a member is cut with its next stream', async () => {
    const connection = await greeted()
    identity.state.members.clear()
    const bytes = numbers.encode(message(1))
    throwAt(await connection.newStream(numbers.id), frameOf(bytes.length, bytes))
    await closed(connection)
    expect(got).toEqual([])
  })
})
