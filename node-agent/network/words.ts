import { createHash } from 'node:crypto'
import type { PeerId } from '#protocol/model/ids.ts'
import { wordList } from './word-list.ts'

/**
 * Four short words of `bytes`, the same on both machines, which two people compare when they pair.
 * They show the first 32 bits of a SHA-256: enough for people who look, since each wrong guess costs a
 * fresh invitation.
 */
export const wordsFor = (bytes: Uint8Array): string => {
  const hash = createHash('sha256').update(bytes).digest()
  return [...hash.subarray(0, 4)].map((byte) => wordList[byte]).join(' ')
}

/** The words of one pairing: of the invitation's secret and both peers, in an order both sides know. */
export const pairingWords = (secret: Uint8Array, one: PeerId, other: PeerId): string => {
  const peers = one < other ? `${one} ${other}` : `${other} ${one}`
  return wordsFor(Buffer.concat([secret, Buffer.from(peers)]))
}
