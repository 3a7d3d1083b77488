import { expect } from 'vitest'
import { MusterFailure } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Bounds } from '#agent/network/bounds.ts'
import type { Log } from '#agent/ports/log.ts'
import type { Transport, TransportIdentity } from '#agent/ports/transport.ts'
import { frames, newKeys, record, recordingLog, turnableIdentity } from './network-fixtures.ts'
import type { Question, Recorder, TestKey, Turnable } from './network-fixtures.ts'

/** Transports for the contract suite: the members of one cluster, each listening on loopback. */

export interface TransportOptions {
  readonly key: TestKey
  readonly identity: TransportIdentity
  readonly log: Log
  readonly bounds: Partial<Bounds>
}

export interface TransportWorld {
  readonly make: (options: TransportOptions) => Promise<Transport>
}

export interface Machine {
  readonly transport: Transport
  readonly identity: Turnable
  readonly peer: PeerId
  readonly seen: Recorder
  readonly log: ReturnType<typeof recordingLog>
}

export interface Machines {
  /** `count` listening members of one cluster, ordered by PeerId, not connected yet. */
  readonly make: (count: number, bounds?: Partial<Bounds>) => Promise<Machine[]>
  readonly pair: (bounds?: Partial<Bounds>) => Promise<[Machine, Machine]>
  readonly connectedPair: (bounds?: Partial<Bounds>) => Promise<[Machine, Machine]>
  readonly disposeAll: () => Promise<void>
}

export const createMachines = (newWorld: () => TransportWorld): Machines => {
  let open: Transport[] = []

  const make: Machines['make'] = async (count, bounds = {}) => {
    const world = newWorld()
    const keys = await newKeys(count)
    return Promise.all(
      keys.map(async (key, index) => {
        const identity = turnableIdentity(`desk-${index}`)
        for (const other of keys) identity.state.members.add(other.peer)
        const log = recordingLog()
        const transport = await world.make({ key, identity, log, bounds })
        open.push(transport)
        const listening = await transport.listen({ hosts: ['127.0.0.1'], port: 0 })
        expect(listening).toEqual({ ok: true, value: undefined })
        return { transport, identity, peer: key.peer, seen: record(transport), log }
      }),
    )
  }

  const pair: Machines['pair'] = async (bounds) => {
    const [a, b] = await make(2, bounds)
    if (a === undefined || b === undefined) throw new Error('two were asked for')
    return [a, b]
  }

  return {
    make,
    pair,
    connectedPair: async (bounds) => {
      const [a, b] = await pair(bounds)
      await connect(a, b)
      return [a, b]
    },
    disposeAll: async () => {
      const ending = open
      open = []
      await Promise.all(ending.map((transport) => transport[Symbol.asyncDispose]()))
    },
  }
}

export const connect = async (a: Machine, b: Machine): Promise<void> => {
  const dialled = await a.transport.dial(b.peer, b.transport.addresses())
  expect(dialled).toEqual({ ok: true, value: undefined })
  await b.seen.until((event) => event.kind === 'peer-connected' && event.peer === a.peer)
}

export const all = async <T>(answers: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = []
  for await (const answer of answers) list.push(answer)
  return list
}

/** The error code of what `run` throws. */
export const codeOf = async (run: () => Promise<unknown>): Promise<string> => {
  try {
    await run()
  } catch (thrown) {
    return thrown instanceof MusterFailure ? thrown.error.code : String(thrown)
  }
  return 'nothing was thrown'
}

/** Answers questions with frames of `bytes`; `hang` then waits for ever, `throw` then fails. */
export const serveFrames = (at: Machine, bytes = 16) => {
  const served = { produced: 0, aborted: 0, open: 0, mostOpen: 0 }
  at.transport.serve(frames, async function* (_peer, question: Question, signal) {
    served.open++
    served.mostOpen = Math.max(served.mostOpen, served.open)
    signal.addEventListener('abort', () => served.aborted++)
    try {
      for (let index = 0; index < question.count; index++) {
        served.produced++
        yield { index, data: new Uint8Array(bytes) }
      }
      if (question.what === 'hang') await new Promise(() => undefined)
      if (question.what === 'throw') throw new Error('the disk is gone')
    } finally {
      served.open--
    }
  })
  return served
}
