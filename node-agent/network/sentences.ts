import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Hello } from '#protocol/wire/hello/protocol.ts'

/** What people read about connections. One place, so that the same thing is always said the same way. */

/** A peer as people see it: its name if it told one, and the end of its id. */
export const nameOf = (peer: PeerId, name?: string): string =>
  name === undefined ? `peer ...${peer.slice(-6)}` : `${name} (peer ...${peer.slice(-6)})`

export const notAMember = (peer: PeerId): MusterError =>
  musterError(
    'NotAMember',
    `A connection of ${nameOf(peer)} was closed because it is not a member of this cluster; invite it with \`muster cluster invite\`.`,
  )

export const strangerDialled = (peer: PeerId): MusterError =>
  musterError(
    'NotAMember',
    `${nameOf(peer)} is not a member of this cluster, so it was not called; invite it with \`muster cluster invite\`.`,
  )

export const closedAtGreeting = (peer: PeerId, thrown?: unknown): MusterError =>
  musterError(
    'NotAMember',
    `${nameOf(peer)} closed the connection before it greeted: most likely it does not know this machine as a member yet, or no longer; it is tried again.`,
    { retryable: true, ...(thrown === undefined ? {} : { detail: thrownToText(thrown) }) },
  )

export const noGreeting = (peer: PeerId, answerMs: number): MusterError =>
  musterError(
    'TimedOut',
    `${nameOf(peer)} accepted the connection but said no hello within ${answerMs / 1000} s; look whether its agent is stuck, it is tried again.`,
    { retryable: true },
  )

export const garbledGreeting = (peer: PeerId, thrown: unknown): MusterError =>
  musterError(
    'MessageInvalid',
    `The hello of ${nameOf(peer)} could not be read, so the connection was closed; check that it runs Muster of about the same version.`,
    { detail: thrownToText(thrown) },
  )

export const otherCluster = (peer: PeerId, hello: Hello): MusterError =>
  musterError(
    'OtherCluster',
    `${nameOf(peer, hello.capabilities.name)} belongs to another cluster (${hello.cluster.slice(0, 8)}); remove it there and invite it here if it should work for this one.`,
  )

export const tooOld = (peer: PeerId, hello: Hello, oldest: number): MusterError =>
  musterError(
    'PeerTooOld',
    `${nameOf(peer, hello.capabilities.name)} runs Muster ${hello.capabilities.agentVersion} with wire version ${hello.version}, and this machine needs ${oldest} or newer; update Muster there.`,
  )

export const tooNew = (peer: PeerId, hello: Hello, ours: number): MusterError =>
  musterError(
    'PeerTooNew',
    `${nameOf(peer, hello.capabilities.name)} runs Muster ${hello.capabilities.agentVersion}, which needs wire version ${hello.oldest} or newer, and this machine speaks ${ours}; update Muster here.`,
  )

export const notInCluster = (): MusterError =>
  musterError(
    'NotInCluster',
    'This machine belongs to no cluster yet, so it can connect to nobody; create one with `muster cluster create` or join with `muster cluster join`.',
  )

export const cannotReach = (
  peer: PeerId,
  addresses: readonly string[],
  detail?: string,
): MusterError => {
  const where = addresses.length === 0 ? 'no usable address' : shortList(addresses)
  return musterError(
    'PeerUnreachable',
    `${nameOf(peer)} could not be reached at ${where}; check that its agent runs, that both machines are in the same network, and that no firewall blocks the port.`,
    { retryable: true, ...(detail === undefined ? {} : { detail }) },
  )
}

const shortList = (addresses: readonly string[]): string => {
  const shown = addresses.slice(0, 3).map((address) => address.replace(/\/p2p\/.*$/, ''))
  const rest = addresses.length - shown.length
  return shown.join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

export const notConnected = (peer: PeerId, name?: string): MusterError =>
  musterError(
    'PeerUnreachable',
    `There is no connection to ${nameOf(peer, name)} now; it is tried again by itself.`,
    { retryable: true },
  )

export const portTaken = (host: string, port: number, detail: string): MusterError =>
  musterError(
    'PortTaken',
    `Port ${port} on ${host} is taken by another program; stop that program, or choose another port, or 0 for any free one.`,
    { detail },
  )

export const portForbidden = (host: string, port: number, detail: string): MusterError =>
  musterError(
    'PortTaken',
    `Port ${port} on ${host} may not be used by this user; choose a port above 1023, or 0 for any free one.`,
    { detail },
  )

export const hostUnknown = (host: string, detail: string): MusterError =>
  musterError(
    'RequestInvalid',
    `Muster cannot listen at ${host}, which is not an IP address of this machine; use 0.0.0.0 for all addresses, or one that this machine has.`,
    { detail },
  )

export const noNewcomers = (inviter: PeerId, detail?: string): MusterError =>
  musterError(
    'InvitationUnknown',
    `${nameOf(inviter)} takes no newcomer now: the invitation was used, has expired, or was withdrawn; ask for a new one.`,
    detail === undefined ? {} : { detail },
  )
