import {
  createHash,
  createPrivateKey,
  createPublicKey,
  randomUUID,
  sign,
  verify,
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { Keys } from '#agent/ports/keys.ts'

/** Who this agent is. `privateKey` is for the transport only. */
export interface Identity {
  readonly keys: Keys
  readonly privateKey: Ed25519PrivateKey
  /** A sentence for the log when the key file had to be repaired; else absent. */
  readonly notice?: string
}

const ownerOnly = 0o600
const othersBits = 0o077

/**
 * Reads the agent's Ed25519 key (libp2p's protobuf form), or makes one on first use. The file belongs to
 * its owner alone: rights of others are taken away, with a word in `notice`.
 * Errors: `StoreBroken` (not a key), `HomeNotWritable`.
 */
export const loadKeys = async (file: string): Promise<Result<Identity, MusterError>> => {
  try {
    const bytes = await readIfThere(file)
    if (bytes === undefined) return ok(toIdentity(await createKeyFile(file)))
    const privateKey = readKey(bytes)
    if (privateKey === undefined) return err(broken(file))
    return ok(toIdentity(privateKey, await tighten(file)))
  } catch (thrown) {
    return err(notUsable(file, thrown))
  }
}

/** Keys of a private key; for tests and for `loadKeys`. */
export const createKeys = (privateKey: Ed25519PrivateKey): Keys => {
  const own = toPrivateKeyObject(privateKey)
  const keyByPeer = new Map<PeerId, KeyObject>()

  const keyOf = (peer: PeerId): KeyObject | undefined => {
    const known = keyByPeer.get(peer)
    if (known !== undefined) return known
    const made = toPublicKeyObject(peer)
    if (made === undefined) return undefined
    if (keyByPeer.size >= 2 * limits.members) keyByPeer.clear()
    keyByPeer.set(peer, made)
    return made
  }

  return {
    self: peerIdFromPrivateKey(privateKey).toString() as PeerId,
    sign: (bytes) => new Uint8Array(sign(null, bytes, own)),
    verify: (peer, bytes, signature) => {
      try {
        const key = keyOf(peer)
        return key !== undefined && verify(null, bytes, key, signature)
      } catch {
        return false
      }
    },
    sha256: (bytes) => createHash('sha256').update(bytes).digest('hex'),
  }
}

const toIdentity = (privateKey: Ed25519PrivateKey, notice?: string): Identity => ({
  keys: createKeys(privateKey),
  privateKey,
  ...(notice === undefined ? {} : { notice }),
})

const readIfThere = async (file: string): Promise<Uint8Array | undefined> => {
  try {
    return await readFile(file)
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined
    throw thrown
  }
}

const readKey = (bytes: Uint8Array): Ed25519PrivateKey | undefined => {
  try {
    const key = privateKeyFromProtobuf(bytes)
    return key.type === 'Ed25519' ? key : undefined
  } catch {
    return undefined
  }
}

/** Written beside its place, flushed, then renamed: a crash leaves a whole key or none. */
const createKeyFile = async (file: string): Promise<Ed25519PrivateKey> => {
  const privateKey = await generateKeyPair('Ed25519')
  await mkdir(dirname(file), { recursive: true })
  const draft = `${file}.${randomUUID()}`
  try {
    const handle = await open(draft, 'wx', ownerOnly)
    try {
      await handle.writeFile(privateKeyToProtobuf(privateKey))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  } catch (thrown) {
    await rm(draft, { force: true })
    throw thrown
  }
  return privateKey
}

const tighten = async (file: string): Promise<string | undefined> => {
  // Windows keeps no such bits; there the home folder's own rights protect the file.
  if (process.platform === 'win32') return undefined
  const { mode } = await stat(file)
  if ((mode & othersBits) === 0) return undefined
  await chmod(file, ownerOnly)
  return `The key file ${file} could be read by other users and is now readable by you only; if someone may have copied it, remove this machine from the cluster and delete the file.`
}

/** Ed25519 keys of libp2p are raw bytes: 32 of the seed, then 32 of the public key. */
const seedBytes = 32

const toPrivateKeyObject = (privateKey: Ed25519PrivateKey): KeyObject =>
  createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'OKP',
      crv: 'Ed25519',
      d: base64url(privateKey.raw.subarray(0, seedBytes)),
      x: base64url(privateKey.publicKey.raw),
    },
  })

const toPublicKeyObject = (peer: PeerId): KeyObject | undefined => {
  const { publicKey } = peerIdFromString(peer)
  if (publicKey?.type !== 'Ed25519') return undefined
  return createPublicKey({
    format: 'jwk',
    key: { kty: 'OKP', crv: 'Ed25519', x: base64url(publicKey.raw) },
  })
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

const codeOf = (thrown: unknown): string | undefined =>
  thrown instanceof Error && 'code' in thrown ? String(thrown.code) : undefined

const broken = (file: string): MusterError =>
  musterError(
    'StoreBroken',
    `The key file ${file} is damaged; restore it from a backup, or delete it and pair this machine again as a new one.`,
  )

const notUsable = (file: string, thrown: unknown): MusterError =>
  musterError(
    'HomeNotWritable',
    `The key file ${file} could not be read or written; check that its folder belongs to you and that the disk has room.`,
    { detail: thrownToText(thrown) },
  )
