import type { Connection } from '@libp2p/interface'
import type { MusterError } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { TransportIdentity } from '#agent/ports/transport.ts'
import type { Bounds } from './bounds.ts'
import type { Link, Links } from './links.ts'
import { notAMember } from './sentences.ts'

/** Who may come in: members; strangers only while an invitation is open, and not for long. */
export interface Gate {
  /** Asked after the handshake, which has proven who the peer is. */
  readonly admits: (peer: PeerId) => boolean
  /** Cuts a connection from outside that neither greets nor pairs before long. */
  readonly watch: (connection: Connection) => void
  /** True once the peer is a greeted member; a stranger's connection is cut. */
  readonly admitted: (link: Link) => Promise<boolean>
}

export interface GateDeps {
  readonly identity: TransportIdentity
  readonly bounds: Bounds
  readonly links: Links
  readonly onRefused: (peer: PeerId, error: MusterError) => void
  readonly stopping: AbortSignal
}

export const createGate = ({ identity, bounds, links, onRefused, stopping }: GateDeps): Gate => {
  let strangers = 0

  const admits = (peer: PeerId): boolean => {
    if (stopping.aborted) return false
    if (identity.isMember(peer)) return true
    if (identity.pairingOpen() && strangers < bounds.strangerConnections) return true
    onRefused(peer, notAMember(peer))
    return false
  }

  const watch = (connection: Connection): void => {
    const link = links.of(connection)
    if (link.dialled || link.closed) return
    const isStranger = !identity.isMember(link.peer)
    if (isStranger) strangers++
    const timer = setTimeout(() => {
      if (link.hello === undefined) links.cut(link, 'It said no hello in time.')
    }, bounds.answerMs + bounds.closeMs)
    link.onClosed.add(() => {
      clearTimeout(timer)
      if (isStranger) strangers--
    })
  }

  const admitted = async (link: Link): Promise<boolean> => {
    if (identity.isMember(link.peer)) return (await link.greeted) && !link.closed
    if (link.closed) return false
    onRefused(link.peer, notAMember(link.peer))
    links.cut(link, 'It is not a member.')
    return false
  }

  return { admits, watch, admitted }
}
