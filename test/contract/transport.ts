import { afterEach, describe, expect, it } from 'vitest'
import { asPeerId } from '#protocol/model/ids.ts'
import type { PairAnswer } from '#protocol/wire/pair/protocol.ts'
import {
  capabilitiesOf,
  clusterB,
  message,
  numbers,
  rubbish,
  waitFor,
} from '#test/support/network-fixtures.ts'
import { connect, createMachines } from '#test/support/transport-machines.ts'
import type { Machine, TransportWorld } from '#test/support/transport-machines.ts'

/** What every `Transport` must do, whatever it is made of. Requests are in `transport-requests.ts`. */

export const transportContract = (name: string, newWorld: () => TransportWorld): void => {
  describe(`transport: ${name}`, () => {
    const machines = createMachines(newWorld)
    afterEach(machines.disposeAll)

    describe('greeting', () => {
      it('connects both sides and tells each the hello of the other', async () => {
        const [a, b] = await machines.connectedPair()
        const atA = await a.seen.until((event) => event.kind === 'peer-connected')
        expect(atA).toMatchObject({
          peer: b.peer,
          hello: {
            capabilities: { name: 'desk-1' },
            startedAt: b.identity.startedAt,
            addresses: b.transport.addresses(),
          },
        })
        expect(b.seen.events[0]).toMatchObject({
          peer: a.peer,
          hello: { capabilities: { name: 'desk-0' } },
        })
        expect(a.transport.connected()).toEqual([b.peer])
        expect(b.transport.connected()).toEqual([a.peer])
      })

      it('is content with a connection that is there', async () => {
        const [a, b] = await machines.connectedPair()
        expect((await a.transport.dial(b.peer, [])).ok).toBe(true)
        expect((await b.transport.dial(a.peer, a.transport.addresses())).ok).toBe(true)
        expect(a.seen.kinds()).toEqual(['peer-connected'])
        expect(b.seen.kinds()).toEqual(['peer-connected'])
      })

      it('keeps one connection when both dial at once', async () => {
        const [a, b] = await machines.pair()
        const dialled = await Promise.all([
          a.transport.dial(b.peer, b.transport.addresses()),
          b.transport.dial(a.peer, a.transport.addresses()),
        ])
        expect(dialled.map((result) => result.ok)).toEqual([true, true])
        const got: number[] = []
        b.transport.receive(numbers, (_peer, { number }) => got.push(number))
        expect(a.transport.send(b.peer, numbers, message(7))).toBe('sent')
        await waitFor(() => got.length === 1)
        expect(a.seen.kinds()).toEqual(['peer-connected'])
        expect(b.seen.kinds()).toEqual(['peer-connected'])
      })

      it('connects a whole office where everybody dials everybody', async () => {
        const office = await machines.make(5)
        await Promise.all(
          office.flatMap((one) =>
            office
              .filter((other) => other !== one)
              .map((other) => one.transport.dial(other.peer, other.transport.addresses())),
          ),
        )
        await waitFor(() => office.every(({ transport }) => transport.connected().length === 4))
        for (const { seen } of office)
          expect(seen.kinds()).toEqual(Array.from({ length: 4 }, () => 'peer-connected'))
      })

      it('closes the connection of a stranger after the handshake', async () => {
        const [a, b] = await machines.pair()
        b.identity.state.members.delete(a.peer)
        const dialled = await a.transport.dial(b.peer, b.transport.addresses())
        expect(dialled).toMatchObject({ ok: false, error: { code: 'NotAMember' } })
        const refused = await b.seen.until((event) => event.kind === 'peer-refused')
        expect(refused).toMatchObject({ peer: a.peer, error: { code: 'NotAMember' } })
        expect(b.transport.connected()).toEqual([])
      })

      it('does not call a stranger', async () => {
        const [a, b] = await machines.pair()
        a.identity.state.members.delete(b.peer)
        const dialled = await a.transport.dial(b.peer, b.transport.addresses())
        expect(dialled).toMatchObject({ ok: false, error: { code: 'NotAMember' } })
      })

      it('refuses a member of another cluster, in words, on both sides', async () => {
        const [a, b] = await machines.pair()
        b.identity.state.cluster = clusterB
        const dialled = await a.transport.dial(b.peer, b.transport.addresses())
        expect(dialled).toMatchObject({ ok: false, error: { code: 'OtherCluster' } })
        for (const { seen } of [a, b]) {
          const refused = await seen.until((event) => event.kind === 'peer-refused')
          expect(refused).toMatchObject({ error: { code: 'OtherCluster' } })
        }
        expect(a.transport.connected()).toEqual([])
        expect(b.transport.connected()).toEqual([])
      })

      it('dials nobody before pairing', async () => {
        const [a, b] = await machines.pair()
        a.identity.state.cluster = null
        const dialled = await a.transport.dial(b.peer, b.transport.addresses())
        expect(dialled).toMatchObject({ ok: false, error: { code: 'NotInCluster' } })
      })

      it('says who could not be reached, and where', async () => {
        const [a, b] = await machines.pair()
        const away = await a.transport.dial(b.peer, ['/ip4/127.0.0.1/tcp/1'])
        expect(away).toMatchObject({ ok: false, error: { code: 'PeerUnreachable' } })
        if (!away.ok) expect(away.error.message).toContain('/ip4/127.0.0.1/tcp/1')
        expect(await a.transport.dial(b.peer, ['rubbish'])).toMatchObject({
          ok: false,
          error: { code: 'PeerUnreachable' },
        })
      })

      it('finds the good address among dead ones', async () => {
        const [a, b] = await machines.pair()
        const addresses = ['/ip4/127.0.0.1/tcp/1', 'rubbish', ...b.transport.addresses()]
        expect((await a.transport.dial(b.peer, addresses)).ok).toBe(true)
      })

      it('names a port that is taken', async () => {
        const [a, b] = await machines.pair()
        const port = Number(/\/tcp\/(\d+)/.exec(a.transport.addresses()[0] ?? '')?.[1])
        const taken = await b.transport.listen({ hosts: ['127.0.0.1'], port })
        expect(taken).toMatchObject({ ok: false, error: { code: 'PortTaken' } })
        if (!taken.ok) expect(taken.error.message).toContain(String(port))
      })
    })

    describe('messages', () => {
      it('arrive in order and once, both ways at the same time', async () => {
        const [a, b] = await machines.connectedPair()
        const count = 5_000
        const atA: number[] = []
        const atB: number[] = []
        a.transport.receive(numbers, (_peer, { number }) => atA.push(number))
        b.transport.receive(numbers, (peer, { number }) => {
          expect(peer).toBe(a.peer)
          atB.push(number)
        })
        for (let number = 0; number < count; number++) {
          expect(a.transport.send(b.peer, numbers, message(number, number % 500))).toBe('sent')
          expect(b.transport.send(a.peer, numbers, message(number, number % 300))).toBe('sent')
        }
        await waitFor(() => atA.length >= count && atB.length >= count)
        const expected = Array.from({ length: count }, (_, number) => number)
        expect(atA).toEqual(expected)
        expect(atB).toEqual(expected)
      })

      it('may be as long as the protocol allows, and no longer', async () => {
        const [a, b] = await machines.connectedPair()
        const got: number[] = []
        b.transport.receive(numbers, (_peer, { padding }) => got.push(padding.length))
        const longest = numbers.maxFrameBytes - 64
        expect(a.transport.send(b.peer, numbers, message(1, longest))).toBe('sent')
        await waitFor(() => got.length === 1)
        expect(got).toEqual([longest])
        expect(a.transport.connected()).toEqual([b.peer])
      })

      it('may be sent as soon as the connection is told, from both sides', async () => {
        const [a, b] = await machines.pair()
        const got: number[] = []
        for (const [index, { transport }] of [a, b].entries()) {
          transport.receive(numbers, (_peer, { number }) => got.push(number))
          transport.on((event) => {
            if (event.kind === 'peer-connected') transport.send(event.peer, numbers, message(index))
          })
        }
        await connect(a, b)
        await waitFor(() => got.length === 2)
        expect(got.toSorted((one, other) => one - other)).toEqual([0, 1])
      })

      it('to somebody who is not connected are unreachable', async () => {
        const [a, b] = await machines.pair()
        expect(a.transport.send(b.peer, numbers, message(1))).toBe('unreachable')
        const nobody = asPeerId('12D3KooWNobody')
        expect(a.transport.send(nobody, numbers, message(1))).toBe('unreachable')
      })

      it('are refused when the outbox is full, and what was accepted arrives', async () => {
        const [a, b] = await machines.connectedPair({ outboxMessages: 100, outboxBytes: 50_000 })
        const got: number[] = []
        b.transport.receive(numbers, (_peer, { number }) => got.push(number))
        const outcomes = Array.from({ length: 500 }, (_, number) =>
          a.transport.send(b.peer, numbers, message(number, 100)),
        )
        const accepted = outcomes.flatMap((outcome, number) => (outcome === 'sent' ? [number] : []))
        expect(accepted.length).toBe(100)
        expect(outcomes.filter((outcome) => outcome === 'full').length).toBe(400)
        await waitFor(() => got.length >= accepted.length)
        expect(got).toEqual(accepted)
        const large = Array.from({ length: 20 }, (_, number) =>
          a.transport.send(b.peer, numbers, message(number, 10_000)),
        )
        expect(large.filter((outcome) => outcome === 'sent').length).toBe(4)
      })

      it('that cannot be decoded are dropped and logged; the next one arrives', async () => {
        const [a, b] = await machines.connectedPair()
        const got: number[] = []
        b.transport.receive(numbers, (_peer, { number }) => got.push(number))
        a.transport.send(b.peer, rubbish, { rubbish: 'what is this' })
        a.transport.send(b.peer, rubbish, { rubbish: 'and this' })
        await waitFor(() => b.log.lines.length >= 2)
        a.transport.send(b.peer, numbers, message(5))
        await waitFor(() => got.length === 1 || b.transport.connected().length === 0)
        expect(got).toEqual([5])
        expect(b.log.lines.filter(({ level }) => level === 'warn').length).toBe(2)
      })

      it('that are rubbish again and again cost the connection', async () => {
        const [a, b] = await machines.connectedPair({ undecodableMessages: 10 })
        b.transport.receive(numbers, () => undefined)
        for (let index = 0; index < 10; index++)
          a.transport.send(b.peer, rubbish, { rubbish: 'again' })
        await a.seen.until((event) => event.kind === 'peer-disconnected')
        await b.seen.until((event) => event.kind === 'peer-disconnected')
      })

      it('that are too long cost the connection', async () => {
        const [a, b] = await machines.connectedPair()
        b.transport.receive(numbers, () => undefined)
        a.transport.send(b.peer, rubbish, { rubbish: 'x'.repeat(numbers.maxFrameBytes + 1) })
        await a.seen.until((event) => event.kind === 'peer-disconnected')
        await b.seen.until((event) => event.kind === 'peer-disconnected')
      })

      it('survive a handler that throws', async () => {
        const [a, b] = await machines.connectedPair()
        const got: number[] = []
        b.transport.receive(numbers, (_peer, { number }) => {
          got.push(number)
          if (number === 1) throw new Error('a bug')
        })
        a.transport.send(b.peer, numbers, message(1))
        a.transport.send(b.peer, numbers, message(2))
        await waitFor(() => got.length === 2)
      })
    })

    describe('ending', () => {
      it('of a connection is told on both sides, and it can be dialled again', async () => {
        const [a, b] = await machines.connectedPair()
        await a.transport.hangUp(b.peer)
        for (const { seen } of [a, b]) {
          const gone = await seen.until((event) => event.kind === 'peer-disconnected')
          expect(gone.kind === 'peer-disconnected' && gone.reason.endsWith('.')).toBe(true)
        }
        expect(a.transport.connected()).toEqual([])
        expect(a.transport.send(b.peer, numbers, message(1))).toBe('unreachable')
        await connect(a, b)
        const got: number[] = []
        b.transport.receive(numbers, (_peer, { number }) => got.push(number))
        a.transport.send(b.peer, numbers, message(3))
        await waitFor(() => got.length === 1)
      })

      it('of a transport is told to the others, and what was sent before arrives', async () => {
        const [a, b] = await machines.connectedPair()
        const got: number[] = []
        b.transport.receive(numbers, (_peer, { number }) => got.push(number))
        for (let number = 0; number < 200; number++)
          a.transport.send(b.peer, numbers, message(number, 2_000))
        await a.transport[Symbol.asyncDispose]()
        await b.seen.until((event) => event.kind === 'peer-disconnected')
        expect(got.length).toBe(200)
        expect(a.seen.kinds()).toEqual(['peer-connected'])
        await a.transport[Symbol.asyncDispose]()
        const dialled = await b.transport.dial(a.peer, ['/ip4/127.0.0.1/tcp/1'])
        expect(dialled.ok).toBe(false)
      })

      it('of a listener leaves the others', async () => {
        const [a, b] = await machines.pair()
        let first = 0
        const listening = a.transport.on(() => first++)
        listening[Symbol.dispose]()
        await connect(a, b)
        expect(first).toBe(0)
        expect(a.seen.kinds()).toEqual(['peer-connected'])
      })
    })

    describe('pairing', () => {
      const admitted = (inviter: Machine): PairAnswer => ({
        kind: 'admitted',
        cluster: inviter.identity.state.cluster ?? clusterB,
        clusterName: 'office',
        creator: inviter.peer,
        roles: ['work'],
        segments: [Uint8Array.of(1, 2, 3)],
      })
      const request = {
        secret: new Uint8Array(16).fill(7),
        capabilities: capabilitiesOf('new'),
        addresses: [],
      }

      /** A newcomer that belongs nowhere, and an inviter that does not know it. */
      const strangers = async (): Promise<[Machine, Machine]> => {
        const [newcomer, inviter] = await machines.pair()
        newcomer.identity.state.cluster = null
        newcomer.identity.state.members.clear()
        inviter.identity.state.members.delete(newcomer.peer)
        return [newcomer, inviter]
      }

      it('lets a stranger ask while an invitation is open, and greet once it is a member', async () => {
        const [newcomer, inviter] = await strangers()
        inviter.identity.state.pairingOpen = true
        const shown: Uint8Array[] = []
        inviter.transport.servePairing(async (peer, { secret }) => {
          expect(peer).toBe(newcomer.peer)
          shown.push(secret)
          inviter.identity.state.members.add(peer)
          return admitted(inviter)
        })
        const addresses = inviter.transport.addresses()
        const answer = await newcomer.transport.pair(inviter.peer, addresses, request)
        expect(answer).toEqual({ ok: true, value: admitted(inviter) })
        expect(shown).toEqual([request.secret])
        expect(inviter.seen.kinds()).toEqual([])
        newcomer.identity.state.cluster = inviter.identity.state.cluster
        newcomer.identity.state.members.add(inviter.peer)
        inviter.identity.state.pairingOpen = false
        await connect(newcomer, inviter)
        expect(newcomer.seen.kinds()).toEqual(['peer-connected'])
      })

      it('passes on a refusal', async () => {
        const [newcomer, inviter] = await strangers()
        inviter.identity.state.pairingOpen = true
        inviter.transport.servePairing(async () => ({ kind: 'refused', why: 'used' }))
        const addresses = inviter.transport.addresses()
        const answer = await newcomer.transport.pair(inviter.peer, addresses, request)
        expect(answer).toEqual({ ok: true, value: { kind: 'refused', why: 'used' } })
      })

      it('is not possible while no invitation is open', async () => {
        const [newcomer, inviter] = await strangers()
        let asked = 0
        inviter.transport.servePairing(async () => {
          asked++
          return admitted(inviter)
        })
        const addresses = inviter.transport.addresses()
        const answer = await newcomer.transport.pair(inviter.peer, addresses, request)
        expect(answer).toMatchObject({ ok: false, error: { code: 'InvitationUnknown' } })
        expect(asked).toBe(0)
        await inviter.seen.until((event) => event.kind === 'peer-refused')
      })

      it('opens nothing else to a stranger', async () => {
        const [newcomer, inviter] = await strangers()
        inviter.identity.state.pairingOpen = true
        newcomer.identity.state.cluster = inviter.identity.state.cluster
        newcomer.identity.state.members.add(inviter.peer)
        const dialled = await newcomer.transport.dial(inviter.peer, inviter.transport.addresses())
        expect(dialled).toMatchObject({ ok: false, error: { code: 'NotAMember' } })
        expect(inviter.transport.connected()).toEqual([])
      })

      it('says when the inviter cannot be reached', async () => {
        const [newcomer, inviter] = await strangers()
        const answer = await newcomer.transport.pair(
          inviter.peer,
          ['/ip4/127.0.0.1/tcp/1'],
          request,
        )
        expect(answer).toMatchObject({ ok: false, error: { code: 'PeerUnreachable' } })
      })
    })
  })
}
