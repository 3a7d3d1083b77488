import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { api, eventsPath, signInPath } from '#protocol/control/api.ts'
import { limits } from '#protocol/limits.ts'
import { startControlFixture } from '#test/support/control-fixture.ts'
import type { ControlFixture } from '#test/support/control-fixture.ts'
import { ask, signIn } from '#test/support/control-asking.ts'

let fixture: ControlFixture
let now = 1_000_000

beforeEach(async () => {
  now = 1_000_000
  fixture = await startControlFixture({ now: () => now })
})
afterEach(() => fixture[Symbol.asyncDispose]())

const port = (): string => new URL(fixture.server.webAddress).port

describe('who may ask', () => {
  test('the token of control.json opens the API, and only its owner can read it', async () => {
    const file = join(fixture.home, 'control.json')
    const { token, webAddress, pid, peer } = JSON.parse(await readFile(file, 'utf8'))
    expect({ token, webAddress, pid, peer }).toEqual({
      token: fixture.server.token,
      webAddress: fixture.server.webAddress,
      pid: process.pid,
      peer: 'peer-anna',
    })
    expect(Buffer.from(token, 'base64url')).toHaveLength(32)
    if (process.platform !== 'win32') expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await ask(fixture, api.agent.path)).status).toBe(200)
  })

  test.each([
    ['no token', undefined],
    ['a wrong token', 'Bearer aaaa'],
    ['a token of the right length', `Bearer ${'A'.repeat(43)}`],
    ['another scheme', 'Basic aaaa'],
    ['an endless token', `Bearer ${'A'.repeat(4_000)}`],
  ])('%s is refused', async (_, authorization) => {
    for (const path of [api.agent.path, eventsPath, '/api/v1/openapi.json', '/api/v1/none']) {
      const answer = await ask(fixture, path, { token: false, headers: { authorization } })
      expect(answer.status).toBe(401)
      expect(answer.json.code).toBe('Unauthorized')
    }
    expect(fixture.seen).toEqual([])
  })

  test('a name that only resolves to us is refused, whatever it carries', async () => {
    for (const host of [
      `evil.example:${port()}`,
      'localhost',
      '127.0.0.1:1',
      `127.0.0.1.nip.io:${port()}`,
    ]) {
      for (const path of ['/', api.agent.path]) {
        const answer = await ask(fixture, path, { headers: { host } })
        expect([host, path, answer.status]).toEqual([host, path, 421])
      }
    }
    for (const host of [`localhost:${port()}`, `[::1]:${port()}`, `LOCALHOST:${port()}`]) {
      expect((await ask(fixture, api.agent.path, { headers: { host } })).status).toBe(200)
    }
  })

  test('another origin is refused, our own is not', async () => {
    const own = fixture.server.webAddress
    for (const origin of [
      'https://evil.example',
      'null',
      `http://localhost:${port()}`,
      'http://127.0.0.1:1',
    ]) {
      const answer = await ask(fixture, api.agent.path, { headers: { origin } })
      expect([origin, answer.status, answer.json.code]).toEqual([origin, 403, 'Forbidden'])
    }
    expect((await ask(fixture, api.agent.path, { headers: { origin: own } })).status).toBe(200)
    for (const [site, status] of [
      ['cross-site', 403],
      ['same-site', 403],
      ['same-origin', 200],
      ['none', 200],
    ] as const) {
      expect(
        (await ask(fixture, api.agent.path, { headers: { 'sec-fetch-site': site } })).status,
      ).toBe(status)
    }
  })

  test('no answer allows another origin to read it', async () => {
    const preflight = await ask(fixture, api.submitJob.path, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    })
    const plain = await ask(fixture, api.agent.path)
    for (const { headers } of [preflight, plain]) {
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['referrer-policy']).toBe('no-referrer')
    }
    expect(plain.headers['cache-control']).toBe('no-store')
  })
})

describe('a browser', () => {
  test('exchanges a code for a cookie that scripts and other sites cannot use', async () => {
    const { code, url, expiresAt } = await fixture.client.call('signInCode')
    expect(url).toBe(`${fixture.server.webAddress}/#code=${code}`)
    expect(Buffer.from(code, 'base64url')).toHaveLength(16)
    expect(expiresAt).toBe(now + limits.signInCodeMs)
    const asking = { method: 'POST', token: false, body: JSON.stringify({ code }) }
    expect((await ask(fixture, signInPath, asking)).status).toBe(403)
    const marked = { ...asking, headers: { 'x-muster': '1' } }
    const answer = await ask(fixture, signInPath, marked)
    expect(answer.headers['set-cookie']?.[0]).toMatch(
      new RegExp(`^muster_session_${port()}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`),
    )
    const again = await ask(fixture, signInPath, marked)
    expect([again.status, again.json.code]).toEqual([401, 'Unauthorized'])
  })

  test('is refused with an expired code', async () => {
    const { code } = await fixture.client.call('signInCode')
    now += limits.signInCodeMs
    const answer = await ask(fixture, signInPath, {
      method: 'POST',
      headers: { 'x-muster': '1' },
      body: JSON.stringify({ code }),
    })
    expect(answer.status).toBe(401)
    expect(answer.json.message).toMatch(/expired; run `muster ui`/)
  })

  test('may read with its cookie, and change only with the header', async () => {
    const cookie = await signIn(fixture)
    const asBrowser = { token: false, headers: { cookie } }
    expect((await ask(fixture, api.agent.path, asBrowser)).status).toBe(200)
    const change = { ...asBrowser, method: 'POST', body: '{}' }
    expect((await ask(fixture, api.stop.path, change)).status).toBe(403)
    const remove = { ...asBrowser, method: 'DELETE' }
    expect((await ask(fixture, '/api/v1/cluster/members/ben', remove)).status).toBe(403)
    expect(fixture.seen.map(({ name }) => name)).toEqual(['agent'])
    const marked = { ...change, headers: { cookie, 'x-muster': '1' } }
    expect((await ask(fixture, api.stop.path, marked)).status).toBe(200)
    await fixture.stopped
  })

  test('with a made-up cookie is refused', async () => {
    const cookie = `muster_session_${port()}=${'A'.repeat(43)}`
    expect((await ask(fixture, api.agent.path, { token: false, headers: { cookie } })).status).toBe(
      401,
    )
  })
})
