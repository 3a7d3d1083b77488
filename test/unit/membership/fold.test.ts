import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkChange } from '#agent/membership/change.ts'
import { digest } from '#agent/membership/digest.ts'
import { head, isMember, members, nextClock, rolesOf } from '#agent/membership/queries.ts'
import { roles } from '#protocol/model/member.ts'
import type { Role } from '#protocol/model/member.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import type { VerifiedRecord } from '#protocol/model/segment.ts'
import {
  added,
  ann,
  bob,
  changed,
  cid,
  createAuthor,
  createScenario,
  dan,
  genesis,
  keysOf,
  removed,
  taken,
} from './scenario.ts'

const authors = () =>
  keysOf.map(createAuthor) as [
    ReturnType<typeof createAuthor>,
    ReturnType<typeof createAuthor>,
    ReturnType<typeof createAuthor>,
    ReturnType<typeof createAuthor>,
  ]
const admin: readonly Role[] = ['admin', 'work']

describe('who belongs', () => {
  it('starts with the creator, who may do everything', () => {
    const [a] = authors()
    const s = createScenario(bob)
    s.records(a(genesis, added(bob, 1, ['work', 'submit'])))
    expect(members(s.state)).toEqual([
      { peer: bob, name: 'machine of b', roles: ['submit', 'work'], addedBy: ann, addedAt: 1 },
      { peer: ann, name: 'desk', roles, addedBy: ann, addedAt: 1_000 },
    ])
    expect(s.take('announceMembers').length).toBe(1)
    expect(nextClock(s.state)).toBe(2)
  })

  it('is decided by admins only, as of the moment in the order of clocks', () => {
    const [a, b, c] = authors()
    const s = createScenario(ann)
    s.records(c(added(dan, 5)), b(added(cid, 2, admin), added(dan, 3)), a(genesis))
    expect(members(s.state).map(({ peer }) => peer)).toEqual([ann])
    s.records(a(added(bob, 1, admin)))
    expect(members(s.state).map(({ peer }) => peer)).toEqual([bob, cid, dan, ann])
    s.records(a(changed(bob, 2, ['work'])))
    // ann sorts before bob at clock 2: bob was no admin any more when it added cid.
    expect(members(s.state).map(({ peer }) => peer)).toEqual([bob, ann])
  })

  it('always has an admin', () => {
    const [a, b] = authors()
    const s = createScenario(ann)
    s.records(a(genesis, added(bob, 1), removed(ann, 2), changed(ann, 3, ['work'])))
    expect(rolesOf(s.state, ann)).toContain('admin')
    s.records(a(changed(bob, 4, admin), changed(ann, 5, ['work'])))
    expect(rolesOf(s.state, ann)).toEqual(['work'])
    s.records(b(removed(bob, 6)))
    expect(isMember(s.state, bob)).toBe(true)
  })

  it('does not let a removed admin write itself an earlier word', () => {
    const [a, b] = authors()
    const s = createScenario(ann)
    const early = b(added(cid, 2))
    s.records(a(genesis, added(bob, 1, admin)), early, a(removed(bob, 5, 0)))
    expect(isMember(s.state, cid)).toBe(true)
    s.records(b(added(dan, 3), removed(ann, 4)))
    expect(isMember(s.state, dan)).toBe(false)
    expect(isMember(s.state, ann)).toBe(true)
    // Let in again, its word counts from then on.
    s.records(a(added(bob, 6, admin)), b(added(dan, 7)))
    expect(isMember(s.state, dan)).toBe(true)
  })

  it('stays with the elder where two admins remove each other', () => {
    const [a, b, c] = authors()
    const base = a(genesis, added(bob, 1, admin))
    const below = b(added(cid, 2, admin))
    const byBob = b(removed(cid, 9, -1))
    const byCid = c(removed(bob, 4, 0))
    for (const order of [
      [byBob, byCid],
      [byCid, byBob],
    ]) {
      const s = createScenario(ann)
      s.records(base, below, ...order)
      expect(members(s.state).map(({ peer }) => peer)).toEqual([bob, ann])
    }
    // A younger one has no such power: its word after its own removal says nothing.
    const s = createScenario(ann)
    s.records(base, a(removed(bob, 3, 0)), b(removed(ann, 12, 0)))
    expect(members(s.state).map(({ peer }) => peer)).toEqual([ann])
  })

  it('is the same for every order of the same records, told at once or one by one', () => {
    const role = fc.constantFrom<readonly Role[]>(['admin'], ['work'], ['admin', 'work'], [])
    const who = fc.constantFrom(ann, bob, cid, dan)
    const clock = fc.integer({ min: 1, max: 6 })
    const body: fc.Arbitrary<RecordBody> = fc.oneof(
      { weight: 3, arbitrary: fc.tuple(who, clock, role).map(([p, c, r]) => added(p, c, r)) },
      fc.tuple(who, clock, fc.integer({ min: -1, max: 4 })).map(([p, c, s]) => removed(p, c, s)),
      fc.tuple(who, clock, role).map(([p, c, r]) => changed(p, c, r)),
      fc.tuple(who, fc.nat(3)).map(([p, n]) => taken(p, n)),
    )
    const said = fc.array(fc.tuple(fc.nat(3), body), { maxLength: 16 }).map((lines) => {
      const by = authors()
      const records: VerifiedRecord[] = [...by[0](genesis)]
      for (const [author, line] of lines) records.push(...by[author]!(line))
      return records
    })
    const twoOrders = said.chain((records) => {
      const all = { minLength: records.length, maxLength: records.length }
      return fc.tuple(fc.shuffledSubarray(records, all), fc.shuffledSubarray(records, all))
    })
    fc.assert(
      fc.property(twoOrders, ([one, two]) => {
        const [atOnce, singly] = [createScenario(cid), createScenario(cid)]
        atOnce.records(one)
        for (const record of [...two, ...two]) singly.records([record])
        expect(digest(singly.state)).toBe(digest(atOnce.state))
        const admins = members(atOnce.state).filter((member) => member.roles.includes('admin'))
        expect(admins.length).toBeGreaterThan(0)
        const last = singly.take('announceHead').at(-1)?.term ?? null
        expect(last).toEqual(head(atOnce.state))
      }),
      { numRuns: 300 },
    )
  })
})

describe('the head', () => {
  it('is the greatest term that an admin took itself', () => {
    const [a, b, c] = authors()
    const s = createScenario(cid)
    s.records(a(genesis, added(bob, 1, admin), added(cid, 2), taken(ann, 1)))
    expect(s.take('announceHead')).toEqual([
      { kind: 'announceHead', term: { number: 1, head: ann } },
    ])
    // Not about somebody else, and not without the role.
    s.records(a(taken(bob, 9)), c(taken(cid, 8)), b(taken(bob, 2)))
    expect(head(s.state)).toEqual({ number: 2, head: bob })
    s.records(b(taken(bob, 2)))
    expect(s.take('announceHead').length).toBe(1)
    s.records(a(changed(bob, 3, ['work'])))
    expect(s.take('announceHead')).toEqual([
      { kind: 'announceHead', term: { number: 1, head: ann } },
    ])
  })
})

describe('a wish to change', () => {
  it('is answered in words before it becomes a record', () => {
    const [a] = authors()
    const s = createScenario(ann)
    const code = (change: Parameters<typeof checkChange>[1], of = s) => {
      const answer = checkChange(of.state, change)
      return answer.ok ? '' : answer.error.code
    }
    expect(code({ kind: 'remove', peer: bob })).toBe('NotInCluster')
    const records = a(genesis, added(bob, 1))
    s.records(records)
    expect(code({ kind: 'remove', peer: bob })).toBe('')
    expect(code({ kind: 'remove', peer: dan })).toBe('MemberUnknown')
    expect(code({ kind: 'roles', peer: dan, roles: [] })).toBe('MemberUnknown')
    expect(code({ kind: 'remove', peer: ann })).toBe('LastAdmin')
    expect(code({ kind: 'roles', peer: ann, roles: ['work'] })).toBe('LastAdmin')
    expect(code({ kind: 'roles', peer: ann, roles: ['admin'] })).toBe('')
    expect(code({ kind: 'add', peer: dan, roles: ['work'] })).toBe('')
    const other = createScenario(bob)
    other.records(records)
    expect(code({ kind: 'add', peer: dan, roles: ['work'] }, other)).toBe('RoleMissing')
    s.records(a(changed(bob, 2, admin)))
    expect(code({ kind: 'remove', peer: ann })).toBe('')
  })
})
