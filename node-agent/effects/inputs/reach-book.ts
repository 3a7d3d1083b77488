import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { Millis, PeerId } from '#protocol/model/ids.ts'

/** What became of the ways to other machines since this agent started; for `doctor`. */
export interface ReachBook {
  readonly dialled: (peer: PeerId, addresses: readonly string[], tried: Tried) => void
  readonly refused: (peer: PeerId, error: MusterError, at: Millis) => void
  readonly connected: (peer: PeerId, at: Millis) => void
  /** mDNS saw an agent. */
  readonly discovered: (peer: PeerId) => void
  readonly of: (peer: PeerId) => Reach
  readonly discoveredPeers: () => number
}

interface Tried {
  readonly at: Millis
  /** Undefined: it succeeded. */
  readonly error: MusterError | undefined
}

export interface Reach {
  readonly dial?: Tried & { readonly addresses: readonly string[] }
  readonly refusal?: { readonly at: Millis; readonly error: MusterError }
  readonly connectedAt?: Millis
}

export const createReachBook = (): ReachBook => {
  const reaches = new Map<PeerId, Reach>()
  const seen = new Set<PeerId>()
  const note = (peer: PeerId, change: Reach): void => {
    reaches.set(peer, { ...reaches.get(peer), ...change })
  }
  return {
    dialled: (peer, addresses, tried) => note(peer, { dial: { ...tried, addresses } }),
    refused: (peer, error, at) => {
      // Strangers may knock as often as they like; only members are remembered beyond that.
      if (reaches.size < mostPeers || reaches.has(peer)) note(peer, { refusal: { error, at } })
    },
    connected: (peer, at) => note(peer, { connectedAt: at }),
    discovered: (peer) => {
      if (seen.size < mostPeers) seen.add(peer)
    },
    of: (peer) => reaches.get(peer) ?? {},
    discoveredPeers: () => seen.size,
  }
}

const mostPeers = limits.members
