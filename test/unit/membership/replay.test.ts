import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digest } from '#agent/membership/digest.ts'
import type { MembershipFact } from '#agent/membership/event.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Liveness } from '#protocol/model/member.ts'
import {
  added,
  ann,
  bob,
  cid,
  createAuthor,
  createScenario,
  dan,
  genesis,
  keysOf,
  removed,
} from './scenario.ts'

const who = fc.constantFrom(ann, bob, cid, dan)
const addresses = fc.subarray(['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/1'])
const fact: fc.Arbitrary<MembershipFact> = fc.oneof(
  fc.record({ kind: fc.constant('peerConnected'), peer: who, addresses }),
  fc.record({ kind: fc.constant('peerDisconnected'), peer: who }),
  fc.record({ kind: fc.constant('addressesLearned'), peer: who, addresses }),
  fc.record({ kind: fc.constant('peerHeard'), peer: who, term: fc.constant(null) }),
  fc.record({ kind: fc.constant('dialFailed'), peer: who }),
  fc.record({ kind: fc.constant('tick') }),
)
const history = fc.array(fc.tuple(fc.integer({ min: 0, max: 4_000 }), fact), { maxLength: 60 })

const play = (lines: readonly (readonly [number, MembershipFact])[]) => {
  const author = createAuthor(keysOf[0])
  const s = createScenario(bob)
  s.records(author(genesis, added(bob, 1), added(cid, 2), added(dan, 3)))
  const told = [s.takeAll()]
  for (const [at, [ms, line]] of lines.entries()) {
    if (at === 30) s.records(author(removed(dan, 4)))
    s.pass(ms)
    s.tell(line)
    told.push(s.takeAll())
  }
  return { text: digest(s.state), told }
}

describe('the machine of membership', () => {
  it('does the same for the same history', () => {
    fc.assert(
      fc.property(history, (lines) => {
        expect(play(lines)).toEqual(play(lines))
      }),
    )
  })

  it('never skips a step: alive before suspect, suspect before lost, dials only those away', () => {
    fc.assert(
      fc.property(history, (lines) => {
        const liveness = new Map<PeerId, Liveness>()
        const connected = new Set<PeerId>()
        for (const [at, effects] of play(lines).told.entries()) {
          const line = lines[at - 1]?.[1]
          for (const effect of effects) {
            if (effect.kind === 'announceSuspect') {
              expect(liveness.get(effect.peer)).toBe('alive')
              liveness.set(effect.peer, 'suspect')
            } else if (effect.kind === 'announceLost') {
              expect(liveness.get(effect.peer)).toBe('suspect')
              liveness.set(effect.peer, 'lost')
            } else if (effect.kind === 'announceAlive') {
              expect(liveness.get(effect.peer)).not.toBe('alive')
              liveness.set(effect.peer, 'alive')
            } else if (effect.kind === 'dialPeer') {
              expect(effect.peer).not.toBe(bob)
              const isLeaving = line?.kind === 'peerDisconnected' && line.peer === effect.peer
              expect(connected.has(effect.peer) && !isLeaving).toBe(false)
              expect(effect.addresses.length).toBeGreaterThan(0)
            }
          }
          if (line?.kind === 'peerConnected') connected.add(line.peer)
          if (line?.kind === 'peerDisconnected') connected.delete(line.peer)
        }
      }),
      { numRuns: 300 },
    )
  })
})
