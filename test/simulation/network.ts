import type { PeerId } from '#protocol/model/ids.ts'
import type { World } from './world.ts'

/** Probabilities of what can happen to one message. */
export interface MessageFaults {
  lost: number
  doubled: number
  /** Up to three seconds late, so behind many that were sent after it. */
  late: number
}

/** Carries messages between machines; neither order nor arrival is promised. */
export interface Network {
  readonly faults: MessageFaults
  readonly send: (from: PeerId, to: PeerId, deliver: () => void) => void
  /** Nothing passes between a cut-off peer and anybody. */
  readonly cut: (peer: PeerId) => void
  readonly mend: (peer: PeerId) => void
  readonly isCut: (peer: PeerId) => boolean
}

export const createNetwork = (world: World): Network => {
  const faults: MessageFaults = { lost: 0, doubled: 0, late: 0 }
  const cutOff = new Set<PeerId>()
  const { random } = world
  const carry = (from: PeerId, to: PeerId, deliver: () => void): void => {
    const isLate = random.chance(faults.late)
    if (isLate) world.count('messages late')
    const ms = isLate ? random.between(100, 3_000) : random.between(1, 8)
    world.after(ms, () => {
      if (cutOff.has(from) || cutOff.has(to)) world.count('messages cut off')
      else deliver()
    })
  }
  return {
    faults,
    send: (from, to, deliver) => {
      if (cutOff.has(from) || cutOff.has(to)) {
        world.count('messages cut off')
        return
      }
      world.count('messages')
      if (random.chance(faults.lost)) {
        world.count('messages lost')
        return
      }
      carry(from, to, deliver)
      if (!random.chance(faults.doubled)) return
      world.count('messages doubled')
      carry(from, to, deliver)
    },
    cut: (peer) => cutOff.add(peer),
    mend: (peer) => cutOff.delete(peer),
    isCut: (peer) => cutOff.has(peer),
  }
}
