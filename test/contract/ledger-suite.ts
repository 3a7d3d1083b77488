import { expect, it } from 'vitest'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Keys } from '#agent/ports/keys.ts'
import type { RecordKind } from '#protocol/model/record.ts'
import type { Segment, VerifiedRecord } from '#protocol/model/segment.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import { limits } from '#protocol/limits.ts'
import { decodeSegment, encodeHeader, encodeSegment } from '#protocol/wire/ledger/segment.ts'
import { encodeSegmentSeal } from '#protocol/wire/ledger/segment.ts'
import { encodeRecordBody } from '#protocol/wire/ledger/records.ts'
import { asClusterId, asPeerId, asRecordHash } from '#protocol/model/ids.ts'
import { createTestKeys, genesisOf, peerNamed, sha256 } from '../support/ledger-fixtures.ts'

/** An empty ledger of one member; disposing it frees what it holds. */
export type OpenLedger = (keys: Keys) => Promise<Ledger>

const note = (at: number): RecordBody => ({
  kind: 'member-added',
  peer: peerNamed('z'),
  name: `member ${at}`,
  roles: ['work'],
  clock: at,
  at,
})

const collect = async (ledger: Ledger, kinds: readonly RecordKind[]): Promise<VerifiedRecord[]> => {
  const records: VerifiedRecord[] = []
  for await (const record of ledger.replay(kinds)) records.push(record)
  return records
}

/** What every ledger promises, whatever it is made of. */
export const testLedger = (open: OpenLedger): void => {
  const setup = async () => {
    const stack = new AsyncDisposableStack()
    const [first, second] = createTestKeys('ab') as [Keys, Keys]
    const a = stack.use(await open(first))
    const b = stack.use(await open(second))
    const founded = await a.found(genesisOf(first.self))
    if (!founded.ok) throw new Error(founded.error.message)
    await b.adopt(founded.value)
    const send = async (segments: readonly Uint8Array[]) => {
      const outcomes = []
      for (const segment of segments) outcomes.push((await b.ingest(segment)).kind)
      return outcomes
    }
    const append = async (...bodies: readonly RecordBody[]) => {
      const added = await a.append(bodies)
      if (!added.ok) throw new Error(added.error.message)
      return added.value
    }
    return { keys: first, a, b, send, append, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  }

  it('founds a cluster whose name is the hash of its genesis, once', async () => {
    await using t = await setup()
    const genesis = genesisOf(t.keys.self)
    expect(t.a.cluster()).toBe(sha256(encodeRecordBody(genesis)))
    const again = await t.a.found(genesis)
    expect(again.ok ? '' : again.error.code).toBe('AlreadyInCluster')
    await expect(t.a.adopt(asClusterId('f'.repeat(64)))).rejects.toMatchObject({
      error: { code: 'AlreadyInCluster' },
    })
    expect((await collect(t.a, ['cluster-created'])).map(({ body }) => body)).toEqual([genesis])
  })

  it('writes and takes nothing outside a cluster', async () => {
    const [keys] = createTestKeys('a') as [Keys]
    await using ledger = await open(keys)
    const appended = await ledger.append([note(1)])
    expect(appended.ok ? '' : appended.error.code).toBe('NotInCluster')
    const outcome = await ledger.ingest(new Uint8Array([1]))
    expect(outcome.kind === 'refused' ? outcome.error.code : '').toBe('NotInCluster')
    expect(ledger.vector()).toEqual([])
  })

  it('hands records to another member unchanged', async () => {
    await using t = await setup()
    const added = await t.append(note(1), note(2))
    await t.append(note(3))
    const segments = await t.a.missingFrom(t.b.vector(), 1e9)
    expect(await t.send(segments)).toEqual(segments.map(() => 'stored'))
    expect(t.b.vector()).toEqual(t.a.vector())
    expect(await collect(t.b, ['member-added'])).toEqual(await collect(t.a, ['member-added']))
    expect(added.flatMap(({ records }) => records.map(({ body }) => body))).toEqual([
      note(1),
      note(2),
    ])
    expect(await t.b.missingFrom(t.a.vector(), 1e9)).toEqual([])
    const [last] = t.a.vector()
    const newest = await collect(t.b, ['member-added'])
    expect(t.b.lastOf(last?.origin ?? asPeerId(''))).toMatchObject({
      sequence: last?.sequence,
      hash: newest.at(-1)?.hash,
    })
    expect(t.b.lastOf(asPeerId('nobody'))).toMatchObject({ sequence: -1, hash: '' })
  })

  it('knows a doubled segment, asks for a gap, and heals it', async () => {
    await using t = await setup()
    for (const at of [1, 2, 3]) await t.append(note(at))
    const segments = await t.a.missingFrom([], 1e9)
    const [genesis, one, two, three] = segments as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
    expect(await t.send([one])).toEqual(['gap'])
    expect(await t.send([genesis, genesis, one, two, one, genesis])).toEqual([
      'stored',
      'known',
      'stored',
      'stored',
      'known',
      'known',
    ])
    expect(await t.b.missingFrom(t.b.vector(), 1e9)).toEqual([])
    expect(await t.a.missingFrom(t.b.vector(), 1e9)).toEqual([three])
  })

  it('refuses forged, changed, foreign and forking segments, and keeps what it has', async () => {
    await using t = await setup()
    await t.append(note(1))
    await t.append(note(2))
    const segments = (await t.a.missingFrom([], 1e9)).map(decodeSegment)
    await t.send(segments.slice(0, 2).map(encodeSegment))
    const held = t.b.vector()
    const [, , last] = segments as [Segment, Segment, Segment]
    const [stranger] = createTestKeys('a') as [Keys]
    const forged = { ...last, signature: stranger.sign(new Uint8Array(3)) }
    const body = encodeRecordBody(note(9))
    const changed = { ...last, entries: last.entries.map((entry) => ({ ...entry, body })) }
    const foreign = { ...last, cluster: asClusterId('e'.repeat(64)) }
    const fork = resign(t.keys, {
      ...last,
      first: 1,
      entries: [entryOf(note(7)), entryOf(note(8))],
    })
    const short = resign(t.keys, { ...last, first: 1, entries: [entryOf(note(7))] })
    const broken = resign(t.keys, { ...last, previous: asRecordHash('d'.repeat(64)) })
    const founding = resign(t.keys, {
      ...last,
      entries: [entryOf({ ...genesisOf(t.keys.self), name: 'mine' })],
    })
    for (const wrong of [forged, changed, foreign, fork, short, broken, founding]) {
      const outcome = await t.b.ingest(encodeSegment(wrong))
      expect(outcome.kind === 'refused' ? outcome.error.message : outcome.kind).toMatch(
        /^A ledger segment of .*refused: .*\.$/,
      )
    }
    expect((await t.b.ingest(new Uint8Array(50))).kind).toBe('refused')
    expect((await t.b.ingest(new Uint8Array(limits.segmentBytes + 1))).kind).toBe('refused')
    expect(t.b.vector()).toEqual(held)
    expect((await t.b.ingest(encodeSegment(last))).kind).toBe('stored')
  })

  it('takes an overlapping segment for what is new in it', async () => {
    await using t = await setup()
    await t.append(note(1))
    await t.append(note(2))
    const [genesis, one, two] = (await t.a.missingFrom([], 1e9)).map(decodeSegment) as [
      Segment,
      Segment,
      Segment,
    ]
    await t.send([genesis, one].map(encodeSegment))
    const joined = resign(t.keys, { ...one, entries: [...one.entries, ...two.entries] })
    const outcome = await t.b.ingest(encodeSegment(joined))
    expect(
      outcome.kind === 'stored' ? outcome.added.records.map(({ body }) => body) : outcome.kind,
    ).toEqual([note(2)])
    const [, , third] = (await t.b.missingFrom([], 1e9)).map(decodeSegment)
    expect(third?.entries.length).toBe(2)
    expect((await collect(t.b, ['member-added'])).map(({ body }) => body)).toEqual([
      note(1),
      note(2),
    ])
  })

  it('stores and forwards a kind it does not know', async () => {
    await using t = await setup()
    const [genesis] = (await t.a.missingFrom([], 1e9)).map(decodeSegment) as [Segment]
    const strange = resign(t.keys, {
      ...genesis,
      first: 1,
      previous: asRecordHash(hashOf(genesis)),
      entries: [{ kind: 'from-the-future', bodyHash: sha256('x'), body: Buffer.from('x') }],
    })
    await t.send([encodeSegment(genesis)])
    const outcome = await t.b.ingest(encodeSegment(strange))
    expect(
      outcome.kind === 'stored' ? outcome.added.records.map(({ body }) => body) : outcome.kind,
    ).toEqual([undefined])
    expect(await t.b.missingFrom([], 1e9)).toEqual([genesis, strange].map(encodeSegment))
  })

  it('keeps to a budget of bytes, oldest first, at least one segment', async () => {
    await using t = await setup()
    for (const at of [1, 2, 3, 4]) await t.append(note(at))
    const all = await t.a.missingFrom([], 1e9)
    const some = await t.a.missingFrom([], (all[0]?.length ?? 0) + (all[1]?.length ?? 0))
    expect(some).toEqual(all.slice(0, 2))
    expect(await t.a.missingFrom([], 1)).toEqual(all.slice(0, 1))
    for (let rounds = 0; rounds < 20 && t.b.vector()[0]?.sequence !== 4; rounds += 1) {
      await t.send(await t.a.missingFrom(t.b.vector(), 700))
    }
    expect(t.b.vector()).toEqual(t.a.vector())
  })

  it('tells of everything added, own and foreign, until the listener is disposed', async () => {
    await using t = await setup()
    const told: string[] = []
    const listening = t.b.onAdded(({ origin, records, segment }) =>
      told.push(`${origin} ${records.length} ${decodeSegment(segment).first}`),
    )
    await t.append(note(1), note(2))
    await t.send(await t.a.missingFrom([], 1e9))
    await t.b.append([note(3)])
    listening[Symbol.dispose]()
    await t.b.append([note(4)])
    const [a, b] = [peerNamed('a'), peerNamed('b')]
    expect(told).toEqual([`${a} 1 0`, `${a} 2 1`, `${b} 1 0`])
  })

  it('writes nothing that others could not read', async () => {
    await using t = await setup()
    const before = t.a.vector()
    const tooLong: RecordBody = {
      ...note(1),
      kind: 'member-added',
      name: 'x'.repeat(1_000),
    } as RecordBody
    for (const bad of [tooLong, { ...note(1), clock: Number.NaN } as RecordBody]) {
      const added = await t.a.append([note(1), bad])
      expect(added.ok ? '' : added.error.code).toBe('Internal')
    }
    expect(t.a.vector()).toEqual(before)
  })

  it('cuts a long append into segments within the limits', async () => {
    await using t = await setup()
    const bodies = Array.from({ length: limits.segmentRecords + 5 }, (_, at) => note(at))
    const added = await t.append(...bodies)
    expect(added.flatMap(({ records }) => records.map(({ body }) => body))).toEqual(bodies)
    expect(added.length).toBeGreaterThan(1)
    for (const { records, segment } of added) {
      expect(records.length).toBeLessThanOrEqual(limits.segmentRecords)
      expect(segment.length).toBeLessThanOrEqual(limits.ownSegmentBytes)
    }
    await t.send(await t.a.missingFrom([], 1e9))
    expect(t.b.vector()).toEqual(t.a.vector())
    expect(await t.a.append([])).toEqual({ ok: true, value: [] })
  })

  it('gives every call its own records, in the order of the calls', async () => {
    await using t = await setup()
    const calls = await Promise.all(
      Array.from({ length: 50 }, (_, at) => t.append(note(2 * at), note(2 * at + 1))),
    )
    const bodies = calls.map((added) =>
      added.flatMap(({ records }) => records.map(({ body }) => body)),
    )
    expect(bodies).toEqual(calls.map((_, at) => [note(2 * at), note(2 * at + 1)]))
    const sequences = calls.flat().flatMap(({ records }) => records.map((r) => r.header.sequence))
    expect(sequences).toEqual(Array.from({ length: 100 }, (_, at) => at + 1))
  })
}

const entryOf = (body: RecordBody) => {
  const bytes = encodeRecordBody(body)
  return { kind: body.kind, bodyHash: sha256(bytes), body: bytes }
}

/** Hash of a segment's last header. */
const hashOf = (segment: Omit<Segment, 'signature'>): string => {
  let previous: string = segment.previous
  for (const [at, { kind, bodyHash }] of segment.entries.entries()) {
    const { origin, incarnation } = segment
    const sequence = segment.first + at
    previous = sha256(
      encodeHeader({
        origin,
        incarnation,
        sequence,
        kind,
        bodyHash,
        previous: asRecordHash(previous),
      }),
    )
  }
  return previous
}

/** A segment changed by its own author, rightly signed. */
const resign = (keys: Keys, segment: Segment): Segment => ({
  ...segment,
  signature: keys.sign(encodeSegmentSeal(segment, hashOf(segment))),
})
