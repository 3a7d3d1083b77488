import { csrfHeader, signInPath } from '../../protocol/control/api.ts'

/**
 * Exchanges the one-time code in `#code=...` for the cookie and removes it from the address and the
 * history, so that it cannot be read or bookmarked. `place=/jobs/...` beside it is the page to show:
 * the desktop window gives it when it signs in again after a restart of the agent. Returns why it failed, or undefined.
 */
export const signIn = async (): Promise<string | undefined> => {
  const asked = new URLSearchParams(location.hash.slice(1))
  const code = asked.get('code')
  if (code === null) return undefined
  const place = asked.get('place') ?? '/'
  history.replaceState(null, '', `${location.pathname}#${place.startsWith('/') ? place : '/'}`)
  try {
    const response = await fetch(signInPath, {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'content-type': 'application/json', [csrfHeader]: '1' },
      body: JSON.stringify({ code }),
    })
    return response.ok ? undefined : 'This sign-in link was used already or has expired.'
  } catch {
    return 'The agent did not answer the sign-in.'
  }
}
