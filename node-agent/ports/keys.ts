import type { PeerId } from '#protocol/model/ids.ts'

/** The agent's identity and the checks of others'. Ed25519 and SHA-256. */
export interface Keys {
  readonly self: PeerId
  /** 64 bytes. */
  readonly sign: (bytes: Uint8Array) => Uint8Array
  /** True if `signature` is `peer`'s over `bytes`. Never throws, also on rubbish. */
  readonly verify: (peer: PeerId, bytes: Uint8Array, signature: Uint8Array) => boolean
  /** SHA-256 as 64 lower-case hex digits. */
  readonly sha256: (bytes: Uint8Array) => string
}
