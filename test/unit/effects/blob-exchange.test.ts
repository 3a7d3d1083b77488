import { createHash, randomBytes } from 'node:crypto'
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createBlobs } from '#agent/data/blobs/blobs.ts'
import { createBlobExchange } from '#agent/effects/keeper/blob-exchange.ts'
import { createSystemClock } from '#agent/host/system-clock.ts'
import { asBlobHash } from '#protocol/model/ids.ts'
import { blobProtocol } from '#protocol/wire/blob/protocol.ts'
import type { BlobAnswer } from '#protocol/wire/blob/protocol.ts'
import { createMemoryNetwork } from '#test/support/memory-transport.ts'
import { newKeys, quietLog, turnableIdentity } from '#test/support/network-fixtures.ts'

const bytes = randomBytes(700_000)
const blob = asBlobHash(createHash('sha256').update(bytes).digest('hex'))

/** An agent's blobs and two holders' transports, all connected. */
const office = async (folder: string) => {
  const network = createMemoryNetwork()
  const keys = await newKeys(3)
  const transports = keys.map(({ peer }) => {
    const identity = turnableIdentity(peer)
    for (const key of keys) identity.state.members.add(key.peer)
    return network.join({ self: peer, identity, log: quietLog })
  })
  for (const transport of transports) await transport.listen({ hosts: ['127.0.0.1'], port: 0 })
  const [asker, first, second] = transports
  if (asker === undefined || first === undefined || second === undefined) throw new Error('three')
  for (const holder of [first, second]) await asker.dial(holder.self, holder.addresses())
  const clock = createSystemClock()
  const blobs = createBlobs({ folder: join(folder, 'asker') })
  const exchange = createBlobExchange({ blobs, transport: asker, clock })
  const fetch = (...holders: (typeof first)[]) =>
    exchange.fetch(
      blob,
      holders.map(({ self }) => self),
      new AbortController().signal,
    )
  return { blobs, clock, exchange, first, second, fetch }
}

const answering = (...answers: readonly BlobAnswer[]) =>
  async function* (): AsyncGenerator<BlobAnswer> {
    yield* answers
  }

describe('fetching a blob', () => {
  const found = { kind: 'found', bytes: bytes.length } as const
  const start = { kind: 'data', parts: [bytes.subarray(0, 300_000)] } as const

  it('keeps what a holder sent that ended too early, and goes on at the next', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-exchange-'))
    const { blobs, first, second, fetch } = await office(folder.path)
    first.serve(blobProtocol, answering(found, start))
    expect(await fetch(first)).toMatchObject({ ok: false, error: { code: 'BlobMissing' } })
    expect(await blobs.partialSize(blob)).toBe(300_000)
    const asked: number[] = []
    second.serve(blobProtocol, async function* (_peer, { offset }): AsyncGenerator<BlobAnswer> {
      asked.push(offset)
      yield found
      yield { kind: 'data', parts: [bytes.subarray(offset)] }
    })
    expect(await fetch(second)).toEqual({ ok: true, value: undefined })
    expect(asked).toEqual([300_000])
    expect(await blobs.read(blob)).toEqual({ ok: true, value: bytes })
  })

  it('is begun again once for all who wait, when the first of them gives it up', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-exchange-'))
    const { blobs, exchange, first } = await office(folder.path)
    const begun = Promise.withResolvers<void>()
    const asked: number[] = []
    first.serve(
      blobProtocol,
      async function* (...[, { offset }, gone]): AsyncGenerator<BlobAnswer> {
        asked.push(offset)
        yield found
        if (offset > 0) return yield { kind: 'data', parts: [bytes.subarray(offset)] }
        yield start
        begun.resolve()
        await new Promise((resolve) => gone.addEventListener('abort', resolve))
      },
    )
    const stop = new AbortController()
    const never = new AbortController().signal
    const [given, ...waiting] = [stop.signal, never, never, never].map((signal) =>
      exchange.fetch(blob, [first.self], signal),
    )
    await begun.promise
    await expect.poll(() => blobs.partialSize(blob)).toBe(300_000)
    stop.abort()
    expect((await given)?.ok).toBe(false)
    const ok = { ok: true, value: undefined }
    expect(await Promise.all(waiting)).toEqual([ok, ok, ok])
    expect(asked).toEqual([0, 300_000])
  })

  it('takes no more than was announced', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-exchange-'))
    const { blobs, first, fetch } = await office(folder.path)
    first.serve(blobProtocol, answering({ kind: 'found', bytes: 300_000 }, start, start))
    expect((await fetch(first)).ok).toBe(false)
    expect(await blobs.partialSize(blob)).toBe(300_000)
    expect(await blobs.has(blob)).toBe(false)
  })

  it('that is damaged at its holder sets it aside there when it is asked for again', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-exchange-'))
    const { blobs, clock, first, fetch } = await office(folder.path)
    const theirs = createBlobs({ folder: join(folder.path, 'holder') })
    createBlobExchange({ blobs: theirs, transport: first, clock })
    await theirs.put(bytes)
    const file = await readFile(theirs.path(blob))
    await writeFile(theirs.path(blob), file.fill(0, 5, 6).fill(1, 6, 7))
    expect(await fetch(first)).toMatchObject({ ok: false, error: { code: 'BlobCorrupt' } })
    expect(await theirs.has(blob)).toBe(true)
    expect((await fetch(first)).ok).toBe(false)
    expect(await theirs.has(blob)).toBe(false)
    await theirs.put(bytes)
    expect(await fetch(first)).toEqual({ ok: true, value: undefined })
    expect(await blobs.read(blob)).toEqual({ ok: true, value: bytes })
  })
})
