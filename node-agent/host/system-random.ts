import { randomBytes } from 'node:crypto'
import type { Random } from '#agent/ports/random.ts'
import { asJobId } from '#protocol/model/ids.ts'
import type { JobId } from '#protocol/model/ids.ts'

const crockford = '0123456789abcdefghjkmnpqrstvwxyz'

/** Crockford's base32 of a number, most significant digit first. */
const toBase32 = (value: bigint, digits: number): string => {
  let text = ''
  for (let rest = value; text.length < digits; rest >>= 5n)
    text = (crockford[Number(rest & 31n)] ?? '0') + text
  return text
}

/** 48 bits of time, then 80 random ones: ids sort by the time they were made. */
export const jobIdAt = (now: number, random: Uint8Array): JobId =>
  asJobId(toBase32(BigInt(now), 10) + toBase32(BigInt(`0x${random.toHex()}`), 16))

export const createSystemRandom = (): Random => ({
  bytes: (count) => new Uint8Array(randomBytes(count)),
  jobId: () => jobIdAt(Date.now(), randomBytes(10)),
})
