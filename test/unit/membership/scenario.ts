import { createLedgerRules } from '#agent/ledger/rules.ts'
import type { Keys } from '#agent/ports/keys.ts'
import type { MembershipEffect, MembershipFact } from '#agent/membership/event.ts'
import { createMembership } from '#agent/membership/state.ts'
import { transition } from '#agent/membership/transition.ts'
import { asClusterId } from '#protocol/model/ids.ts'
import type { ClusterId, Millis, PeerId } from '#protocol/model/ids.ts'
import type { Role } from '#protocol/model/member.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import type { VerifiedRecord } from '#protocol/model/segment.ts'
import { createTestKeys, genesisOf, sha256 } from '#test/support/ledger-fixtures.ts'
import { encodeRecordBody } from '#protocol/wire/ledger/records.ts'

/** Four machines; names sort as letters do. */
export const keysOf = createTestKeys('abcd') as readonly [Keys, Keys, Keys, Keys]
export const [ann, bob, cid, dan] = keysOf.map(({ self }) => self) as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
]
export const genesis = genesisOf(ann)
export const cluster: ClusterId = asClusterId(sha256(encodeRecordBody(genesis)))

/** The log of one member; every call gives its next records. */
export const createAuthor = (
  keys: Keys,
): ((...bodies: readonly RecordBody[]) => readonly VerifiedRecord[]) => {
  const rules = createLedgerRules(keys)
  let end: Parameters<typeof rules.seal>[1] = { incarnation: 0, sequence: -1, hash: '' }
  return (...bodies) => {
    const encoded = bodies.map((body) => {
      const one = rules.encode(body)
      if (!one.ok) throw new Error(one.error.detail)
      return one.value
    })
    const segments = rules.seal(cluster, end, encoded)
    const last = segments.at(-1)
    if (last !== undefined) end = { incarnation: 0, sequence: last.last, hash: last.lastHash }
    return segments.flatMap(({ records }) => records)
  }
}

export const added = (
  peer: PeerId,
  clock: number,
  roles: readonly Role[] = ['work'],
): RecordBody => ({
  kind: 'member-added',
  peer,
  name: `machine of ${peer.slice(8, 9)}`,
  roles,
  clock,
  at: clock,
})
export const removed = (peer: PeerId, clock: number, lastSequence = 1_000): RecordBody => ({
  kind: 'member-removed',
  peer,
  lastSequence,
  lastHash: '',
  clock,
  at: clock,
})
export const changed = (peer: PeerId, clock: number, roles: readonly Role[]): RecordBody => ({
  kind: 'roles-changed',
  peer,
  roles,
  clock,
  at: clock,
})
export const taken = (head: PeerId, number: number): RecordBody => ({
  kind: 'term-taken',
  term: { number, head },
  at: number,
})

/** A machine of membership with a clock; effects are taken one kind at a time. */
export const createScenario = (self: PeerId) => {
  const state = createMembership(self)
  const effects: MembershipEffect[] = []
  let now: Millis = 0
  let id = 0
  const tell = (fact: MembershipFact): void => {
    id += 1
    effects.push(...transition(state, { ...fact, id, causeId: 0, now }))
  }
  return {
    state,
    tell,
    records: (...records: readonly (readonly VerifiedRecord[])[]) =>
      tell({ kind: 'recordsAdded', records: records.flat() }),
    pass: (ms: Millis) => {
      now += ms
      tell({ kind: 'tick' })
    },
    /** Time goes by in steps of `step`, a tick after each. */
    passInSteps: (ms: Millis, step: Millis) => {
      for (const end = now + ms; now < end;) {
        now += step
        tell({ kind: 'tick' })
      }
    },
    take: <Kind extends MembershipEffect['kind']>(kind: Kind) => {
      const found = effects.filter((effect) => effect.kind === kind)
      for (const effect of found) effects.splice(effects.indexOf(effect), 1)
      return found as unknown as readonly Extract<MembershipEffect, { kind: Kind }>[]
    },
    takeAll: () => effects.splice(0),
    now: () => now,
  }
}
