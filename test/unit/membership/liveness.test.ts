import { describe, expect, it } from 'vitest'
import { addressesOf, lastHeard, liveness } from '#agent/membership/queries.ts'
import { limits } from '#protocol/limits.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import {
  added,
  ann,
  bob,
  cid,
  createAuthor,
  createScenario,
  genesis,
  keysOf,
  removed,
} from './scenario.ts'

/** A cluster of ann, bob and cid as `self` sees it; nobody is connected, no address known. */
const setup = (self: PeerId) => {
  const author = createAuthor(keysOf[0])
  const s = createScenario(self)
  s.records(author(genesis, added(bob, 1), added(cid, 2)))
  s.takeAll()
  return { ...s, author }
}
const home = (peer: PeerId) => [`/ip4/10.0.0.1/tcp/1/p2p/${peer}`]

describe('a peer', () => {
  it('is alive while it is heard, suspect in silence, then lost, and alive again', () => {
    const s = setup(bob)
    expect([liveness(s.state, bob), liveness(s.state, cid)]).toEqual(['self', 'never-seen'])
    s.tell({ kind: 'peerConnected', peer: cid, addresses: home(cid) })
    expect(s.takeAll()).toEqual([{ kind: 'announceAlive', peer: cid }, { kind: 'announceMembers' }])
    s.pass(limits.suspectMs - 1)
    expect(s.takeAll()).toEqual([])
    s.pass(1)
    expect(s.takeAll()).toEqual([{ kind: 'announceSuspect', peer: cid }])
    s.pass(limits.lostMs - limits.suspectMs - 1)
    expect(s.takeAll()).toEqual([])
    s.pass(1)
    expect(s.takeAll()).toEqual([{ kind: 'announceLost', peer: cid }])
    s.passInSteps(60_000, 1_000)
    expect(s.takeAll()).toEqual([])
    s.tell({ kind: 'peerHeard', peer: cid, term: null })
    expect(s.takeAll()).toEqual([{ kind: 'announceAlive', peer: cid }])
    expect(lastHeard(s.state, cid)).toBe(s.now())
    s.pass(2_000)
    s.tell({ kind: 'peerHeard', peer: cid, term: null })
    s.pass(limits.suspectMs - 1)
    expect(s.takeAll()).toEqual([])
  })

  it('whose connection closes is suspect at once, redialled, and lost when that keeps failing', () => {
    const s = setup(bob)
    s.tell({ kind: 'peerConnected', peer: cid, addresses: home(cid) })
    s.takeAll()
    s.tell({ kind: 'peerDisconnected', peer: cid })
    expect(s.takeAll()).toEqual([
      { kind: 'announceSuspect', peer: cid },
      { kind: 'dialPeer', peer: cid, addresses: home(cid) },
    ])
    s.tell({ kind: 'dialFailed', peer: cid })
    s.pass(limits.redialMs - 1)
    expect(s.takeAll()).toEqual([])
    s.pass(1)
    expect(s.takeAll()).toEqual([
      { kind: 'announceLost', peer: cid },
      { kind: 'dialPeer', peer: cid, addresses: home(cid) },
    ])
  })

  it('that comes back after a redial was never lost', () => {
    const s = setup(bob)
    s.tell({ kind: 'peerConnected', peer: cid, addresses: home(cid) })
    s.tell({ kind: 'peerDisconnected', peer: cid })
    s.takeAll()
    s.pass(500)
    s.tell({ kind: 'peerConnected', peer: cid, addresses: home(cid) })
    expect(s.takeAll()).toEqual([{ kind: 'announceAlive', peer: cid }])
    s.pass(limits.suspectMs - 1)
    expect(s.takeAll()).toEqual([])
  })

  it('that is no member any more is hung up on', () => {
    const s = setup(bob)
    s.tell({ kind: 'peerConnected', peer: cid, addresses: [] })
    s.takeAll()
    s.records(s.author(removed(cid, 3)))
    expect(s.takeAll()).toEqual([{ kind: 'announceMembers' }, { kind: 'hangUp', peer: cid }])
  })
})

describe('dialling', () => {
  it('is begun by the lower PeerId; the higher leaves it its time', () => {
    const lower = setup(bob)
    lower.tell({ kind: 'addressesLearned', peer: cid, addresses: home(cid) })
    expect(lower.take('dialPeer').map(({ peer }) => peer)).toEqual([cid])
    const higher = setup(cid)
    higher.tell({ kind: 'addressesLearned', peer: bob, addresses: home(bob) })
    higher.pass(limits.dialCourtesyMs - 1)
    expect(higher.take('dialPeer')).toEqual([])
    higher.pass(1)
    expect(higher.take('dialPeer').map(({ peer }) => peer)).toEqual([bob])
  })

  it('waits longer after each failure, up to its most, and not while one is under way', () => {
    const s = setup(bob)
    s.tell({ kind: 'addressesLearned', peer: cid, addresses: home(cid) })
    const times: number[] = []
    for (let dialled = s.now(); times.length < 8;) {
      expect(s.take('dialPeer').length).toBe(1)
      s.pass(1_000)
      expect(s.take('dialPeer')).toEqual([])
      s.tell({ kind: 'dialFailed', peer: cid })
      const failedAt = s.now()
      while (s.state.peers.get(cid)?.dialingSince === null) s.pass(100)
      times.push(s.now() - failedAt)
      dialled = s.now()
      expect(dialled).toBeGreaterThan(failedAt)
    }
    expect(times).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000])
    s.tell({ kind: 'dialFailed', peer: cid })
    s.takeAll()
    // A new address means that the machine is there again.
    s.tell({ kind: 'addressesLearned', peer: cid, addresses: ['/ip4/10.0.0.9/tcp/1'] })
    expect(s.take('dialPeer').map(({ addresses }) => addresses[0])).toEqual(['/ip4/10.0.0.9/tcp/1'])
    s.tell({ kind: 'addressesLearned', peer: cid, addresses: ['/ip4/10.0.0.9/tcp/1'] })
    expect(s.takeAll().filter(({ kind }) => kind === 'announceMembers').length).toBe(1)
  })

  it('leaves out strangers, members without an address, and oneself', () => {
    const s = setup(bob)
    s.tell({ kind: 'addressesLearned', peer: bob, addresses: home(bob) })
    s.tell({ kind: 'addressesLearned', peer: keysOf[3].self, addresses: home(keysOf[3].self) })
    s.passInSteps(20_000, 1_000)
    expect(s.takeAll()).toEqual([])
    // The stranger's address is remembered until it is let in; dan sorts behind bob.
    s.records(s.author(added(keysOf[3].self, 3)))
    expect(s.take('dialPeer').map(({ peer }) => peer)).toEqual([keysOf[3].self])
  })

  it('remembers the newest addresses, best first, and not without end', () => {
    const s = setup(ann)
    for (let at = 0; at < 40; at += 1) {
      s.tell({ kind: 'addressesLearned', peer: cid, addresses: [`/ip4/10.0.0.${at}/tcp/1`] })
    }
    s.tell({ kind: 'peerConnected', peer: cid, addresses: ['/ip4/10.0.0.30/tcp/1'] })
    expect(addressesOf(s.state, cid).slice(0, 2)).toEqual([
      '/ip4/10.0.0.30/tcp/1',
      '/ip4/10.0.0.39/tcp/1',
    ])
    expect(addressesOf(s.state, cid).length).toBe(limits.addressesPerPeer)
  })
})
