import { afterEach, describe, expect, it } from 'vitest'
import { asBlobHash } from '#protocol/model/ids.ts'
import { blobProtocol } from '#protocol/wire/blob/protocol.ts'
import type { BlobAnswer } from '#protocol/wire/blob/protocol.ts'
import { beats, frames, message, waitFor } from '#test/support/network-fixtures.ts'
import type { Question } from '#test/support/network-fixtures.ts'
import { all, codeOf, createMachines, serveFrames } from '#test/support/transport-machines.ts'
import type { TransportWorld } from '#test/support/transport-machines.ts'

/** How every `Transport` asks and answers. */

export const requestContract = (name: string, newWorld: () => TransportWorld): void => {
  describe(`requests: ${name}`, () => {
    const machines = createMachines(newWorld)
    afterEach(machines.disposeAll)

    it('are answered by a sequence that ends', async () => {
      const [a, b] = await machines.connectedPair()
      serveFrames(b)
      const answers = await all(a.transport.request(b.peer, frames, { what: 'x', count: 300 }))
      expect(answers.map(({ index }) => index)).toEqual(Array.from({ length: 300 }, (_, i) => i))
      expect(await all(a.transport.request(b.peer, frames, { what: 'x', count: 0 }))).toEqual([])
    })

    it('run beside each other, and more than the limit wait their turn', async () => {
      const [a, b] = await machines.connectedPair({ openRequests: 8 })
      const served = serveFrames(b)
      const counts = Array.from({ length: 100 }, (_, index) => index % 7)
      const answers = await Promise.all(
        counts.map((count) => all(a.transport.request(b.peer, frames, { what: 'x', count }))),
      )
      expect(answers.map((list) => list.length)).toEqual(counts)
      expect(served.mostOpen).toBeLessThanOrEqual(8)
    })

    it('hold the server back while nobody reads', async () => {
      const [a, b] = await machines.connectedPair()
      const frameBytes = 64 * 1024
      const served = serveFrames(b, frameBytes)
      const question = { what: 'x', count: 2_000 }
      const answers = a.transport.request(b.peer, frames, question)[Symbol.asyncIterator]()
      await answers.next()
      let before = -1
      while (served.produced !== before) {
        before = served.produced
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
      // 125 MB were asked for; some windows and socket buffers of it may be under way.
      expect(served.produced * frameBytes).toBeLessThan(12 * 1024 * 1024)
      await answers.return?.()
      await waitFor(() => served.aborted === 1)
      expect(served.open).toBe(0)
    })

    it('that are aborted abort the server, and the next one works', async () => {
      const [a, b] = await machines.connectedPair()
      const served = serveFrames(b)
      const stop = new AbortController()
      const hanging = all(
        a.transport.request(b.peer, frames, { what: 'hang', count: 2 }, stop.signal),
      )
      await waitFor(() => served.produced === 2)
      stop.abort()
      expect(await codeOf(() => hanging)).toBe('Aborted')
      await waitFor(() => served.aborted === 1)
      expect((await all(a.transport.request(b.peer, frames, { what: 'x', count: 3 }))).length).toBe(
        3,
      )
    })

    it('that are left early abort the server', async () => {
      const [a, b] = await machines.connectedPair()
      const served = serveFrames(b)
      for await (const _ of a.transport.request(b.peer, frames, { what: 'hang', count: 1 })) break
      await waitFor(() => served.aborted === 1)
      expect((await all(a.transport.request(b.peer, frames, { what: 'x', count: 3 }))).length).toBe(
        3,
      )
    })

    it('that fall silent time out', async () => {
      const [a, b] = await machines.connectedPair({ frameSilenceMs: 200 })
      const served = serveFrames(b)
      const hanging = (): Promise<unknown> =>
        all(a.transport.request(b.peer, frames, { what: 'hang', count: 1 }))
      expect(await codeOf(hanging)).toBe('TimedOut')
      await waitFor(() => served.aborted === 1)
    })

    it('that fail there say so here', async () => {
      const [a, b] = await machines.connectedPair()
      serveFrames(b)
      const failing = a.transport.request(b.peer, frames, { what: 'throw', count: 1 })
      const list: number[] = []
      const reading = async (): Promise<void> => {
        for await (const { index } of failing) list.push(index)
      }
      expect(await codeOf(reading)).toBe('PeerUnreachable')
      expect(list).toEqual([0])
    })

    it('that cannot be decoded are an error of the asker', async () => {
      const [a, b] = await machines.connectedPair()
      serveFrames(b)
      const wrong = { what: 'x', count: 'many' } as unknown as Question
      expect(await codeOf(() => all(a.transport.request(b.peer, frames, wrong)))).toBe(
        'MessageInvalid',
      )
      expect((await all(a.transport.request(b.peer, frames, { what: 'x', count: 1 }))).length).toBe(
        1,
      )
    })

    it('to somebody who is not connected fail at once', async () => {
      const [a, b] = await machines.pair()
      const asking = (): Promise<unknown> =>
        all(a.transport.request(b.peer, frames, { what: 'x', count: 1 }))
      expect(await codeOf(asking)).toBe('PeerUnreachable')
    })

    it('end with the connection, on both sides', async () => {
      const [a, b] = await machines.connectedPair()
      const served = serveFrames(b)
      const hanging = all(a.transport.request(b.peer, frames, { what: 'hang', count: 2 }))
      const outcome = codeOf(() => hanging)
      await waitFor(() => served.produced === 2)
      await b.transport.hangUp(a.peer)
      expect(await outcome).toBe('PeerUnreachable')
      await waitFor(() => served.aborted === 1)
    })

    it('of bulk come whole and unmixed to a reader that stops now and then', async () => {
      const [a, b] = await machines.connectedPair()
      const total = 24 * 1024 * 1024
      b.transport.serve(blobProtocol, async function* (): AsyncGenerator<BlobAnswer> {
        yield { kind: 'found', bytes: total }
        // As a holder reads them: one buffer, overwritten as soon as the next part is asked for.
        const block = new Uint8Array(200 * 1024)
        for (let sent = 0, part = 0; sent < total; sent += block.length, part += 1) {
          block.fill(part % 251)
          yield { kind: 'data', parts: [block.subarray(0, total - sent)] }
        }
      })
      let got = 0
      let wrong = 0
      let turns = 0
      const request = { blob: asBlobHash('d'.repeat(64)), offset: 0 }
      for await (const answer of a.transport.request(b.peer, blobProtocol, request)) {
        if (answer.kind !== 'data') continue
        for (const part of answer.parts)
          for (const byte of part) if (byte !== Math.floor(got++ / (200 * 1024)) % 251) wrong += 1
        if (turns++ % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 15))
      }
      expect({ got, wrong }).toEqual({ got: total, wrong: 0 })
    })

    it('of much bulk do not stop small messages', async () => {
      const [a, b] = await machines.connectedPair()
      const total = 64 * 1024 * 1024
      const block = new Uint8Array(256 * 1024)
      b.transport.serve(blobProtocol, async function* (): AsyncGenerator<BlobAnswer> {
        yield { kind: 'found', bytes: total }
        for (let sent = 0; sent < total; sent += block.length)
          yield { kind: 'data', parts: [block] }
      })
      const beatsAt: number[] = []
      a.transport.receive(beats, () => beatsAt.push(performance.now()))
      let number = 0
      const beating = setInterval(() => b.transport.send(a.peer, beats, message(number++)), 20)
      const start = performance.now()
      let got = 0
      const request = { blob: asBlobHash('c'.repeat(64)), offset: 0 }
      for await (const answer of a.transport.request(b.peer, blobProtocol, request))
        if (answer.kind === 'data') for (const part of answer.parts) got += part.length
      const end = performance.now()
      clearInterval(beating)
      expect(got).toBe(total)
      const during = [start, ...beatsAt.filter((at) => at >= start && at <= end), end]
      const gaps = during.slice(1).map((at, index) => at - (during[index] ?? at))
      expect(Math.max(...gaps)).toBeLessThan(1_000)
    })
  })
}
