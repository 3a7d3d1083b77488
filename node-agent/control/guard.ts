import { csrfHeader } from '#protocol/control/api.ts'
import { musterError } from '#protocol/errors.ts'
import { errorAnswer } from './status.ts'
import type { SignIns } from './sign-ins.ts'

/** The facts of a request that the guards look at. */
export interface Asker {
  readonly method: string
  readonly path: string
  /** Value of a header by its lower-case name. */
  readonly header: (name: string) => string | undefined
}

/**
 * Refuses what another web page could make a browser send: names that only resolve to us (DNS rebinding),
 * foreign origins, cross-site requests. `hosts` are the values of `Host` that are ours. Answers undefined
 * if nothing speaks against the request.
 */
export const refuseForeign = (asker: Asker, hosts: ReadonlySet<string>): Response | undefined => {
  const host = asker.header('host')?.toLowerCase() ?? ''
  if (!hosts.has(host)) {
    return errorAnswer(
      musterError(
        'Forbidden',
        'The request names another host; open the agent by its own address, 127.0.0.1 or localhost.',
      ),
      421,
    )
  }
  const origin = asker.header('origin')
  const site = asker.header('sec-fetch-site')
  const foreign =
    (origin !== undefined && origin.toLowerCase() !== `http://${host}`) ||
    site === 'cross-site' ||
    (site === 'same-site' && isApiPath(asker.path))
  if (!foreign) return undefined
  return errorAnswer(
    musterError(
      'Forbidden',
      'The request comes from another web page; use the agent from its own window or the CLI.',
    ),
  )
}

/**
 * Refuses who holds neither the token nor a cookie of ours, and cookie requests that change something without
 * the header that only our own page's script can set.
 */
export const refuseStranger = (
  asker: Asker,
  signIns: SignIns,
  cookie: string | undefined,
): Response | undefined => {
  const authorization = asker.header('authorization')
  if (authorization !== undefined) {
    const given = /^Bearer ([\w-]{1,128})$/i.exec(authorization)?.[1]
    return given !== undefined && signIns.holdsToken(given) ? undefined : unauthorized()
  }
  if (cookie === undefined || !signIns.holdsCookie(cookie)) return unauthorized()
  return asker.method === 'GET' || asker.method === 'HEAD' ? undefined : refuseUnmarked(asker)
}

/** A form or link of another page cannot set this header; a script of another page would need CORS. */
export const refuseUnmarked = (asker: Asker): Response | undefined =>
  asker.header(csrfHeader) === '1'
    ? undefined
    : errorAnswer(
        musterError(
          'Forbidden',
          `The request lacks the header ${csrfHeader}: 1; send it with every request that changes something.`,
        ),
      )

/** A form of another page can post text, but not JSON. */
export const refuseOtherThanJson = (asker: Asker): Response | undefined =>
  /^application\/json(?:;|$)/i.test(asker.header('content-type') ?? '')
    ? undefined
    : errorAnswer(
        musterError(
          'RequestInvalid',
          'The request is not JSON; send it with the header content-type: application/json.',
        ),
        415,
      )

export const isApiPath = (path: string): boolean => path === '/api' || path.startsWith('/api/')

const unauthorized = (): Response =>
  errorAnswer(
    musterError(
      'Unauthorized',
      'The agent does not know who asks; run `muster ui` to open its window, or read the token in control.json in its home.',
    ),
  )
