import type { Millis, PeerId, RecordHash } from '#protocol/model/ids.ts'
import type { Liveness, Member } from '#protocol/model/member.ts'
import type { ClusterCreated } from '#protocol/model/record.ts'
import type { Term } from '#protocol/model/term.ts'
import type { MembershipChange } from './fold.ts'

/** Who belongs, who is alive, whom to follow. Owned and changed in place by `transition` alone. */
export interface MembershipState {
  readonly self: PeerId
  genesis: ClusterCreated | undefined
  /** Every change record known, counted or not, each once. */
  readonly changes: MembershipChange[]
  /** Hashes of the records taken in, so that a doubled one is noticed. */
  readonly taken: Set<RecordHash>
  members: ReadonlyMap<PeerId, Member>
  /** Terms that their own heads wrote, each once. */
  readonly terms: Term[]
  /** What was announced last. */
  head: Term | null
  readonly peers: Map<PeerId, PeerView>
}

/** A machine as seen from here, member or not. */
export interface PeerView {
  liveness: Exclude<Liveness, 'self'>
  isConnected: boolean
  lastHeardAt: Millis | null
  /** Since when there is no connection, for a peer that had one. */
  closedAt: Millis | null
  /** Most recently learned or used first. */
  addresses: readonly string[]
  /** A dial is under way since. */
  dialingSince: Millis | null
  /** Not before this; null while there is no reason to dial. */
  nextDialAt: Millis | null
  /** Dials that failed since the last connection. */
  failedDials: number
}

export const createMembership = (self: PeerId): MembershipState => ({
  self,
  genesis: undefined,
  changes: [],
  taken: new Set(),
  members: new Map(),
  terms: [],
  head: null,
  peers: new Map(),
})

/** The view of a peer, made when it is first spoken of. */
export const peerView = (state: MembershipState, peer: PeerId): PeerView => {
  const known = state.peers.get(peer)
  if (known !== undefined) return known
  const view: PeerView = {
    liveness: 'never-seen',
    isConnected: false,
    lastHeardAt: null,
    closedAt: null,
    addresses: [],
    dialingSince: null,
    nextDialAt: null,
    failedDials: 0,
  }
  state.peers.set(peer, view)
  return view
}
