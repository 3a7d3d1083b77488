import { z } from 'zod'
import { musterError } from '../../errors.ts'
import type { MusterError } from '../../errors.ts'
import { asClusterId } from '../../model/ids.ts'
import type { ClusterId, Millis, PeerId } from '../../model/ids.ts'
import type { Role } from '../../model/member.ts'
import { err, ok } from '../../model/result.ts'
import type { Result } from '../../model/result.ts'
import { decodeCbor, encodeCbor } from '../codec.ts'
import { bytes, count, peerId, roleList } from '../fields.ts'

/** What an invitation code carries. It is a bearer secret until it is used or expires. */
export interface Invitation {
  readonly cluster: ClusterId
  readonly inviter: PeerId
  /** Multiaddrs at which the inviter listens. */
  readonly addresses: readonly string[]
  /** 16 random bytes. */
  readonly secret: Uint8Array
  readonly roles: readonly Role[]
  readonly expiresAt: Millis
}

/**
 * The code's content, in the order of its fields and as bytes where there are bytes: people copy it, and a
 * shorter one makes a calmer QR code. Addresses go without the inviter's name at their end.
 */
const content = z.tuple([
  bytes.refine((value) => value.length === 32),
  peerId,
  z.array(z.string().max(256)).max(16),
  bytes.refine((value) => value.length === 16),
  roleList,
  count,
])

const toContent = (value: Invitation): z.infer<typeof content> => [
  Uint8Array.fromHex(value.cluster),
  value.inviter,
  value.addresses.map((address) => address.replace(`/p2p/${value.inviter}`, '')),
  new Uint8Array(value.secret),
  value.roles,
  value.expiresAt,
]

const fromContent = (value: z.infer<typeof content>): Invitation => {
  const [cluster, inviter, addresses, secret, roles, expiresAt] = value
  return {
    cluster: asClusterId(cluster.toHex()),
    inviter,
    addresses: addresses.map((address) => `${address}/p2p/${inviter}`),
    secret,
    roles,
    expiresAt,
  }
}

const prefix = 'muster-'

/** The text a person copies: `muster-` and base64url of CBOR with a 4-byte check sum in front. */
export const invitationToCode = (value: Invitation): string => {
  const body = encodeCbor(toContent(value))
  const whole = new Uint8Array(body.length + 4)
  new DataView(whole.buffer).setUint32(0, checkSum(body))
  whole.set(body, 4)
  return prefix + whole.toBase64({ alphabet: 'base64url', omitPadding: true })
}

/** Reads a code; spaces and line breaks from copying do not matter. */
export const codeToInvitation = (code: string): Result<Invitation, MusterError> => {
  const text = code.replaceAll(/\s/g, '')
  if (!text.startsWith(prefix)) return malformed(`it does not start with "${prefix}"`)
  try {
    const whole = Uint8Array.fromBase64(text.slice(prefix.length), { alphabet: 'base64url' })
    if (whole.length < 8) return malformed('it is too short')
    const body = whole.slice(4)
    const sum = new DataView(whole.buffer, whole.byteOffset).getUint32(0)
    if (sum !== checkSum(body)) return malformed('a character is missing or wrong')
    return ok(fromContent(decodeCbor(body, content, 'invitation')))
  } catch {
    return malformed('a character is missing or wrong')
  }
}

const malformed = (why: string): Result<Invitation, MusterError> =>
  err(
    musterError(
      'InvitationMalformed',
      `This is not a complete invitation code: ${why}. Copy the whole code that \`muster cluster invite\` printed.`,
    ),
  )

/** FNV-1a, 32 bits: catches a mistyped code before anybody is dialled. It protects nothing. */
const checkSum = (data: Uint8Array): number => {
  let sum = 0x811c9dc5
  for (const byte of data) sum = Math.imul(sum ^ byte, 0x01000193)
  return sum >>> 0
}
