import { createHash, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'

const crockford = '0123456789abcdefghjkmnpqrstvwxyz'
/** What goes before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * A recovery code and the public key that belongs to it. The code stands for 160 random bits, in eight
 * groups of four; the private key is derived from it and kept nowhere.
 */
export const newRecovery = (): { readonly code: string; readonly publicKey: string } => {
  const letters = [...randomBytes(32)].map((byte) => crockford[byte & 31] ?? '0').join('')
  const code = letters.replaceAll(/(.{4})(?=.)/g, '$1-')
  return { code, publicKey: recoveryPublicKey(code) }
}

/** Public key (32 bytes, hex) of a recovery code; dashes, spaces and case do not matter. */
export const recoveryPublicKey = (code: string): string => {
  const seed = createHash('sha256')
    .update(`muster-recovery-1/${code.toLowerCase().replaceAll(/[^0-9a-z]/g, '')}`)
    .digest()
  const key = createPrivateKey({
    key: Buffer.concat([pkcs8Prefix, seed]),
    format: 'der',
    type: 'pkcs8',
  })
  const exported = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return exported.subarray(-32).toString('hex')
}
