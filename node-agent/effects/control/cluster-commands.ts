import type { Clock } from '#agent/ports/clock.ts'
import type { Keys } from '#agent/ports/keys.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Random } from '#agent/ports/random.ts'
import type { Transport } from '#agent/ports/transport.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { ClusterId, Millis, PeerId } from '#protocol/model/ids.ts'
import type { Capabilities, Member, Role } from '#protocol/model/member.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { codeToInvitation, invitationToCode } from '#protocol/wire/pair/invitation.ts'
import type { PairAnswer, PairRequest } from '#protocol/wire/pair/protocol.ts'
import { notInCluster } from '../submit/submit.ts'

/** Founding, inviting, joining, removing. */
export interface ClusterCommands {
  readonly create: (name: string) => Promise<Result<{ readonly recoveryCode: string }, MusterError>>
  readonly invite: (roles: readonly Role[], lifeMs: Millis) => Result<InvitationMade, MusterError>
  readonly join: (
    code: string,
    signal: AbortSignal,
  ) => Promise<Result<{ readonly words: string }, MusterError>>
  readonly remove: (peer: PeerId) => Promise<Result<void, MusterError>>
  /** True while an invitation is open. */
  readonly pairingOpen: () => boolean
}

export interface InvitationMade {
  readonly code: string
  readonly words: string
  readonly expiresAt: Millis
}

export type MemberChange =
  | { readonly kind: 'add'; readonly peer: PeerId; readonly roles: readonly Role[] }
  | { readonly kind: 'remove'; readonly peer: PeerId }

export interface ClusterCommandsDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly random: Random
  readonly keys: Keys
  readonly ledger: Ledger
  readonly transport: Transport
  readonly capabilities: () => Capabilities
  /** Four short words from bytes. */
  readonly wordsFor: (bytes: Uint8Array) => string
  /** A fresh recovery code and the public key (hex) that belongs to it. */
  readonly newRecovery: () => { readonly code: string; readonly publicKey: string }
  /** Membership's own rules for a change by this agent. */
  readonly checkChange: (change: MemberChange) => Result<void, MusterError>
  readonly members: () => readonly Member[]
  readonly genesis: () => { readonly name: string; readonly creator: PeerId }
  /** Clock of the next membership record. */
  readonly nextClock: () => number
  /** Segments that prove the membership to a newcomer. */
  readonly membershipSegments: () => Promise<readonly Uint8Array[]>
  readonly takeSegments: (segments: readonly Uint8Array[], from: PeerId) => Promise<void>
  /** The cluster is there: listen, greet, take the term if it is ours to take. */
  readonly clusterReady: () => Promise<Result<void, MusterError>>
  /** Lets the inviter through our own gate before its membership record is here. */
  readonly trust: (inviter: PeerId, addresses: readonly string[]) => void
  /** A member was let in: greet it where it said it listens. */
  readonly admitted: (peer: PeerId, addresses: readonly string[]) => void
}

interface OpenInvitation {
  readonly roles: readonly Role[]
  readonly expiresAt: Millis
  used: boolean
}

interface Commanding extends ClusterCommandsDeps {
  /** By the secret in hex. Used and expired ones stay a while, to be refused by name. */
  readonly invitations: Map<string, OpenInvitation>
}

export const createClusterCommands = (deps: ClusterCommandsDeps): ClusterCommands => {
  const commanding: Commanding = { ...deps, invitations: new Map() }
  deps.transport.servePairing((peer, request) => admit(commanding, peer, request))
  return {
    create: (name) => create(commanding, name),
    invite: (roles, lifeMs) => invite(commanding, roles, lifeMs),
    join: (code, signal) => join(commanding, code, signal),
    remove: (peer) => remove(commanding, peer),
    pairingOpen: () => {
      sweep(commanding)
      return commanding.invitations.size > 0
    },
  }
}

const create = async (deps: Commanding, name: string): ReturnType<ClusterCommands['create']> => {
  const { ledger, random, clock, self } = deps
  if (ledger.cluster() !== null) return err(alreadyIn())
  const recovery = deps.newRecovery()
  const founded = await ledger.found({
    kind: 'cluster-created',
    name,
    creator: self,
    creatorName: deps.capabilities().name,
    at: clock.now(),
    nonce: random.bytes(16).toHex(),
    recoveryKey: recovery.publicKey,
  })
  if (!founded.ok) return founded
  const ready = await deps.clusterReady()
  return ready.ok ? ok({ recoveryCode: recovery.code }) : ready
}

const invite = (
  deps: Commanding,
  roles: readonly Role[],
  lifeMs: Millis,
): Result<InvitationMade, MusterError> => {
  const { ledger, clock, self, invitations } = deps
  const cluster = ledger.cluster()
  if (cluster === null) return err(notInCluster)
  const allowed = deps.checkChange({ kind: 'add', peer: self, roles })
  if (!allowed.ok) return allowed
  sweep(deps)
  if (invitations.size >= limits.openInvitations)
    return err(musterError('Full', 'Too many invitations are open; wait until some have expired.'))
  const secret = deps.random.bytes(16)
  const expiresAt = clock.now() + lifeMs
  invitations.set(secret.toHex(), { roles, expiresAt, used: false })
  const addresses = deps.transport.addresses()
  const code = invitationToCode({ cluster, inviter: self, addresses, secret, roles, expiresAt })
  return ok({ code, words: wordsOf(deps, cluster, secret), expiresAt })
}

const wordsOf = (deps: Commanding, cluster: ClusterId, secret: Uint8Array): string =>
  deps.wordsFor(new TextEncoder().encode(`${cluster}/${secret.toHex()}`))

/** Forgets invitations that ended long ago. */
const sweep = ({ invitations, clock }: Commanding): void => {
  for (const [secret, invitation] of invitations)
    if (invitation.expiresAt + limits.invitationMs < clock.now()) invitations.delete(secret)
}

/** Answers a newcomer; a secret opens the door once. */
const admit = async (deps: Commanding, peer: PeerId, request: PairRequest): Promise<PairAnswer> => {
  const invitation = deps.invitations.get(request.secret.toHex())
  const cluster = deps.ledger.cluster()
  if (invitation === undefined || cluster === null) return { kind: 'refused', why: 'unknown' }
  if (invitation.used) return { kind: 'refused', why: 'used' }
  if (invitation.expiresAt <= deps.clock.now()) return { kind: 'refused', why: 'expired' }
  invitation.used = true
  const { roles } = invitation
  const added = await deps.ledger.append([
    {
      kind: 'member-added',
      peer,
      name: request.capabilities.name,
      roles,
      clock: deps.nextClock(),
      at: deps.clock.now(),
    },
  ])
  if (!added.ok) {
    invitation.used = false
    return { kind: 'refused', why: 'unknown' }
  }
  deps.admitted(peer, request.addresses)
  const { name, creator } = deps.genesis()
  const segments = await deps.membershipSegments()
  return { kind: 'admitted', cluster, clusterName: name, creator, roles, segments }
}

const join = async (
  deps: Commanding,
  code: string,
  signal: AbortSignal,
): ReturnType<ClusterCommands['join']> => {
  const { ledger, transport, clock } = deps
  if (ledger.cluster() !== null) return err(alreadyIn())
  const read = codeToInvitation(code)
  if (!read.ok) return read
  const { inviter, addresses, secret, expiresAt, cluster } = read.value
  if (expiresAt + limits.invitationSlackMs < clock.now()) return err(refusal('expired'))
  const request = { secret, capabilities: deps.capabilities(), addresses: [] }
  const answer = await transport.pair(inviter, addresses, request, signal)
  if (!answer.ok) return answer
  if (answer.value.kind === 'refused') return err(refusal(answer.value.why))
  if (answer.value.cluster !== cluster) return err(otherCluster())
  await ledger.adopt(cluster)
  deps.trust(inviter, addresses)
  await deps.takeSegments(answer.value.segments, inviter)
  const ready = await deps.clusterReady()
  if (!ready.ok) return ready
  // The inviter cannot know yet where we listen: do not wait for its courtesy.
  await transport.dial(inviter, addresses, signal)
  return ok({ words: wordsOf(deps, cluster, secret) })
}

const remove = async (deps: Commanding, peer: PeerId): Promise<Result<void, MusterError>> => {
  const allowed = deps.checkChange({ kind: 'remove', peer })
  if (!allowed.ok) return allowed
  const last = deps.ledger.lastOf(peer)
  const added = await deps.ledger.append([
    {
      kind: 'member-removed',
      peer,
      lastSequence: last.sequence,
      lastHash: last.hash,
      clock: deps.nextClock(),
      at: deps.clock.now(),
    },
  ])
  return added.ok ? ok(undefined) : added
}

const otherCluster = (): MusterError =>
  musterError(
    'OtherCluster',
    'The inviting machine belongs to another cluster than the code says; ask for a new invitation.',
  )

const alreadyIn = (): MusterError =>
  musterError(
    'AlreadyInCluster',
    'This machine is in a cluster already; start an agent with another --home to join a second one.',
  )

const refusal = (why: 'unknown' | 'used' | 'expired'): MusterError => {
  switch (why) {
    case 'used':
      return musterError(
        'InvitationUsed',
        'This invitation was used already; ask for a new one with `muster cluster invite`.',
      )
    case 'expired':
      return musterError(
        'InvitationExpired',
        'This invitation has expired; ask for a new one with `muster cluster invite`.',
      )
    case 'unknown':
      return musterError(
        'InvitationUnknown',
        'The inviting machine does not know this invitation, perhaps because it was started again since; ask for a new one with `muster cluster invite`.',
      )
    default:
      return why
  }
}
