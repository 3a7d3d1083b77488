import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { limits } from '#protocol/limits.ts'

/**
 * Who may call: the holder of this start's token, or a browser that exchanged a one-time code for a
 * cookie. Everything lives in memory and ends with the agent.
 */
export interface SignIns {
  /** 256 random bits, base64url. */
  readonly token: string
  readonly holdsToken: (given: string) => boolean
  readonly holdsCookie: (given: string) => boolean
  /** Opens a code of 128 random bits, valid once until `expiresAt`. */
  readonly openCode: () => { readonly code: string; readonly expiresAt: number }
  /** Takes the code, used or not, and answers a new cookie's value; undefined if it is unknown, used or expired. */
  readonly exchange: (code: string) => string | undefined
}

export const createSignIns = (now: () => number): SignIns => {
  const token = randomBytes(32).toString('base64url')
  const tokenDigest = digest(token)
  // Keyed by digest: a look-up in a map then tells nothing about how much of a guess was right.
  const cookies = new Set<string>()
  const codes = new Map<string, number>()

  const openCode = () => {
    const code = randomBytes(16).toString('base64url')
    const expiresAt = now() + limits.signInCodeMs
    codes.set(key(code), expiresAt)
    dropOldest(codes, limits.openSignInCodes)
    return { code, expiresAt }
  }

  const exchange = (code: string): string | undefined => {
    const expiresAt = codes.get(key(code))
    codes.delete(key(code))
    if (expiresAt === undefined || expiresAt <= now()) return undefined
    const cookie = randomBytes(32).toString('base64url')
    cookies.add(key(cookie))
    dropOldest(cookies, limits.signIns)
    return cookie
  }

  return {
    token,
    holdsToken: (given) => timingSafeEqual(digest(given), tokenDigest),
    holdsCookie: (given) => cookies.has(key(given)),
    openCode,
    exchange,
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

const key = (text: string): string => digest(text).toString('base64url')

/** Maps and sets keep the order of insertion, so the first key is the oldest. */
const dropOldest = (held: Map<string, unknown> | Set<string>, most: number): void => {
  for (const oldest of held.keys()) {
    if (held.size <= most) return
    held.delete(oldest)
  }
}
