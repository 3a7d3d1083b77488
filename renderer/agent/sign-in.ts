import { csrfHeader, signInPath } from '../../protocol/control/api.ts'

/**
 * Exchanges the one-time code in `#code=...` for the cookie and removes it from the address and the
 * history, so that it cannot be read or bookmarked. Returns why it failed, or undefined.
 */
export const signIn = async (): Promise<string | undefined> => {
  const code = new URLSearchParams(location.hash.slice(1)).get('code')
  if (code === null) return undefined
  history.replaceState(null, '', `${location.pathname}#/`)
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
