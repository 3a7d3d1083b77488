import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { api, eventsPath, signInPath } from '#protocol/control/api.ts'
import type { ApiName } from '#protocol/control/api.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'
import { musterError } from '#protocol/errors.ts'
import { pixel, startControlFixture, tryControlFixture } from '#test/support/control-fixture.ts'
import type { ControlFixture } from '#test/support/control-fixture.ts'
import { makeModel } from '#test/support/control-views.ts'

let fixture: ControlFixture
let now = 1_000_000

beforeEach(async () => {
  now = 1_000_000
  fixture = await startControlFixture({ now: () => now })
})
afterEach(() => fixture[Symbol.asyncDispose]())

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  readonly json: { code?: string; message?: string; [key: string]: unknown }
}

interface Asking {
  readonly method?: string
  readonly headers?: Record<string, string | undefined>
  readonly body?: string
  readonly token?: boolean
}

/** A raw request: fetch would not let us choose Host, Origin or an unnormalised path. */
const ask = (path: string, asking: Asking = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(fixture.server.webAddress)
    const headers: Record<string, string> = {}
    const all = {
      host: `127.0.0.1:${port}`,
      ...(asking.token === false ? {} : { authorization: `Bearer ${fixture.server.token}` }),
      ...(asking.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...asking.headers,
    }
    for (const [name, value] of Object.entries(all)) if (value !== undefined) headers[name] = value
    const sent = request(
      { host: '127.0.0.1', port, path, method: asking.method ?? 'GET', headers, setHost: false },
      (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString()
          let json: Answer['json'] = {}
          try {
            json = JSON.parse(text)
          } catch {
            // Not every answer is JSON; the test looks at `text` then.
          }
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, json })
        })
      },
    )
    sent.on('error', reject)
    sent.end(asking.body)
  })

const port = (): string => new URL(fixture.server.webAddress).port

const signIn = async (): Promise<string> => {
  const { code } = await fixture.client.call('signInCode')
  const answer = await ask(signInPath, {
    method: 'POST',
    token: false,
    headers: { 'x-muster': '1' },
    body: JSON.stringify({ code }),
  })
  expect(answer.status).toBe(200)
  return (answer.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? ''
}

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
    expect((await ask(api.agent.path)).status).toBe(200)
  })

  test.each([
    ['no token', undefined],
    ['a wrong token', 'Bearer aaaa'],
    ['a token of the right length', `Bearer ${'A'.repeat(43)}`],
    ['another scheme', 'Basic aaaa'],
    ['an endless token', `Bearer ${'A'.repeat(4_000)}`],
  ])('%s is refused', async (_, authorization) => {
    for (const path of [api.agent.path, eventsPath, '/api/v1/openapi.json', '/api/v1/none']) {
      const answer = await ask(path, { token: false, headers: { authorization } })
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
        const answer = await ask(path, { headers: { host } })
        expect([host, path, answer.status]).toEqual([host, path, 421])
      }
    }
    for (const host of [`localhost:${port()}`, `[::1]:${port()}`, `LOCALHOST:${port()}`]) {
      expect((await ask(api.agent.path, { headers: { host } })).status).toBe(200)
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
      const answer = await ask(api.agent.path, { headers: { origin } })
      expect([origin, answer.status, answer.json.code]).toEqual([origin, 403, 'Forbidden'])
    }
    expect((await ask(api.agent.path, { headers: { origin: own } })).status).toBe(200)
    for (const [site, status] of [
      ['cross-site', 403],
      ['same-site', 403],
      ['same-origin', 200],
      ['none', 200],
    ] as const) {
      expect((await ask(api.agent.path, { headers: { 'sec-fetch-site': site } })).status).toBe(
        status,
      )
    }
  })

  test('no answer allows another origin to read it', async () => {
    const preflight = await ask(api.submitJob.path, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    })
    const plain = await ask(api.agent.path)
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
    expect((await ask(signInPath, asking)).status).toBe(403)
    const marked = { ...asking, headers: { 'x-muster': '1' } }
    const answer = await ask(signInPath, marked)
    expect(answer.headers['set-cookie']?.[0]).toMatch(
      new RegExp(`^muster_session_${port()}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`),
    )
    const again = await ask(signInPath, marked)
    expect([again.status, again.json.code]).toEqual([401, 'Unauthorized'])
  })

  test('is refused with an expired code', async () => {
    const { code } = await fixture.client.call('signInCode')
    now += limits.signInCodeMs
    const answer = await ask(signInPath, {
      method: 'POST',
      headers: { 'x-muster': '1' },
      body: JSON.stringify({ code }),
    })
    expect(answer.status).toBe(401)
    expect(answer.json.message).toMatch(/expired; run `muster ui`/)
  })

  test('may read with its cookie, and change only with the header', async () => {
    const cookie = await signIn()
    const asBrowser = { token: false, headers: { cookie } }
    expect((await ask(api.agent.path, asBrowser)).status).toBe(200)
    const change = { ...asBrowser, method: 'POST', body: '{}' }
    expect((await ask(api.stop.path, change)).status).toBe(403)
    const remove = { ...asBrowser, method: 'DELETE' }
    expect((await ask('/api/v1/cluster/members/ben', remove)).status).toBe(403)
    expect(fixture.seen.map(({ name }) => name)).toEqual(['agent'])
    const marked = { ...change, headers: { cookie, 'x-muster': '1' } }
    expect((await ask(api.stop.path, marked)).status).toBe(200)
    await fixture.stopped
  })

  test('with a made-up cookie is refused', async () => {
    const cookie = `muster_session_${port()}=${'A'.repeat(43)}`
    expect((await ask(api.agent.path, { token: false, headers: { cookie } })).status).toBe(401)
  })
})

describe('calls', () => {
  test('every call of the contract has a route and reaches its handler', async () => {
    fixture.changeJob('01JOB', {})
    const filled: Record<string, string> = {
      peer: 'ben',
      model: 'mnist',
      job: '01JOB',
      datastore: 'scans',
      dataset: 'july',
      pipeline: '01k9',
      schedule: 'nightly',
      pool: 'gpu',
    }
    const queries: Partial<Record<ApiName, string>> = {
      compareExperiments: '?of=shelves',
      jobLog: '?peer=ben',
    }
    const bodies: Partial<Record<ApiName, object>> = {
      createCluster: { name: 'x' },
      createPool: { name: 'quick' },
      join: { code: 'MUSTER-INVITE-1' },
      addAddress: { address: '/ip4/192.0.2.9/tcp/1' },
      registerModel: { path: '/m.onnx', name: 'mnist' },
      registerDatastore: { name: 'scans', path: '/scans' },
      registerDataset: { name: 'july', path: '/scans/july' },
      previewData: { input: '/scans' },
      checkFile: { text: 'name: a', file: '/a.yml' },
      tryJob: { text: 'name: a', file: '/a.yml' },
      submitJob: { text: 'name: a', file: '/a.yml' },
      submitPipeline: { text: 'name: a', file: '/a.yml' },
      changeSetting: { key: 'slots', value: 2 },
      startStoreWork: { kind: 'check' },
      exportRows: { path: join(fixture.home, 'export.csv') },
    }
    for (const name of Object.keys(api) as ApiName[]) {
      const { path, method, answer } = api[name]
      const given = await ask(
        path.replaceAll(/:(\w+)/g, (_, field: string) => filled[field] ?? '') +
          (queries[name] ?? ''),
        {
          method,
          ...(method === 'POST' ? { body: JSON.stringify(bodies[name] ?? {}) } : {}),
        },
      )
      expect([name, given.status, given.text.slice(0, 200)]).toEqual([name, 200, expect.anything()])
      expect(answer.safeParse(given.json).error).toBeUndefined()
    }
    expect(new Set(fixture.seen.map(({ name }) => name))).toEqual(
      new Set(Object.keys(api).filter((name) => name !== 'signInCode')),
    )
  })

  test('fields of path and query arrive checked and decoded', async () => {
    fixture.changeJob('01JOB', {})
    await ask(`/api/v1/jobs/01JOB/rows?limit=7&offset=3&search=${encodeURIComponent('a/b ü')}`)
    expect(fixture.seen.at(-1)?.query).toEqual({
      job: '01JOB',
      limit: 7,
      offset: 3,
      search: 'a/b ü',
    })
    await ask(`/api/v1/models/${encodeURIComponent('team/mnist:2')}`)
    expect(fixture.seen.at(-1)?.query).toEqual({ model: 'team/mnist:2' })
  })

  test('a field that does not fit is named in a sentence', async () => {
    const wrongQuery = await ask('/api/v1/jobs?limit=0')
    expect(wrongQuery.status).toBe(400)
    expect(wrongQuery.json).toMatchObject({ code: 'RequestInvalid', retryable: false })
    expect(wrongQuery.json.message).toMatch(
      /^The field `limit` of the request is not valid: .+; correct it/,
    )
    const wrongBody = await ask(api.invite.path, {
      method: 'POST',
      body: '{"roles":["work","boss"]}',
    })
    expect(wrongBody.json.message).toMatch(/field `roles\.1`/)
    const broken = await ask(api.invite.path, { method: 'POST', body: '{"roles":' })
    expect([broken.status, broken.json.code]).toEqual([400, 'RequestInvalid'])
    const form = await ask(api.invite.path, {
      method: 'POST',
      body: 'roles=work',
      headers: { 'content-type': 'text/plain' },
    })
    expect([form.status, form.json.code]).toEqual([415, 'RequestInvalid'])
    expect(fixture.seen).toEqual([])
  })

  test('a body above the limit is refused, told or untold', async () => {
    const body = JSON.stringify({ text: 'x'.repeat(limits.requestBodyBytes), file: '/a.yml' })
    const told = await ask(api.submitJob.path, {
      method: 'POST',
      body,
      headers: { 'content-length': String(body.length) },
    })
    expect([told.status, told.json.code]).toEqual([413, 'FrameTooLarge'])
    const untold = await ask(api.submitJob.path, {
      method: 'POST',
      body,
      headers: { 'transfer-encoding': 'chunked' },
    })
    expect([untold.status, untold.json.code]).toEqual([413, 'FrameTooLarge'])
    const fits = await ask(api.submitJob.path, {
      method: 'POST',
      body: JSON.stringify({ text: 'x'.repeat(1_000_000), file: '/a.yml' }),
      headers: { 'transfer-encoding': 'chunked' },
    })
    expect(fits.status).toBe(200)
  })

  test('errors carry code, sentence and position, and a fitting status', async () => {
    const unknown = await ask('/api/v1/jobs/nope')
    expect(unknown.status).toBe(404)
    expect(unknown.json.code).toBe('JobUnknown')
    const wrong = await ask(api.submitJob.path, {
      method: 'POST',
      body: JSON.stringify({ text: 'name: a\nmini_bach_size: 1', file: '/a.yml' }),
    })
    expect(wrong.status).toBe(400)
    expect(wrong.json).toEqual({
      code: 'JobFileInvalid',
      message: 'The field mini_bach_size is unknown; did you mean mini_batch_size?',
      retryable: false,
      position: { file: '/a.yml', line: 2, column: 1 },
    })
  })

  test('a defect tells nothing of the inside, but the log does', async () => {
    await using own = await startControlFixture({
      handlers: {
        agent: async () => {
          throw new Error('secret /home/anna/key')
        },
        models: async () =>
          err(
            musterError('StoreBroken', 'The store is broken; see the log.', {
              detail: 'SQLITE_CORRUPT',
            }),
          ),
      },
    })
    const call = async (path: string) => {
      const headers = { authorization: `Bearer ${own.server.token}` }
      const answer = await fetch(own.server.webAddress + path, { headers })
      return { status: answer.status, text: await answer.text() }
    }
    const thrown = await call(api.agent.path)
    expect(thrown.status).toBe(500)
    expect(thrown.text).not.toContain('secret')
    expect(JSON.parse(thrown.text).code).toBe('Internal')
    expect(own.logged.join()).toContain('secret /home/anna/key')
    expect((await call(api.models.path)).text).not.toContain('SQLITE')
  })

  test('addresses and methods that are not there are NotFound', async () => {
    for (const [method, path] of [
      ['GET', '/api/v1/none'],
      ['GET', '/api'],
      ['PUT', api.agent.path],
      ['DELETE', api.jobs.path],
      ['GET', '/none.js'],
    ] as const) {
      const answer = await ask(path, { method })
      expect([method, path, answer.status, answer.json.code]).toEqual([
        method,
        path,
        404,
        'NotFound',
      ])
    }
  })

  test('a call is aborted when its asker hangs up', async () => {
    const aborted = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    await using own = await startControlFixture({
      handlers: {
        models: (request) => {
          started.resolve()
          return new Promise((resolve) => {
            request.signal.addEventListener('abort', () => {
              aborted.resolve()
              resolve(ok({ models: [makeModel('a', 1)] }))
            })
          })
        },
      },
    })
    const hangUp = new AbortController()
    const call = own.client.call('models', { signal: hangUp.signal })
    await started.promise
    hangUp.abort()
    await expect(call).rejects.toThrow()
    await aborted.promise
  })

  test('the OpenAPI document describes every call', async () => {
    const { json } = await ask('/api/v1/openapi.json')
    expect(json['openapi']).toBe('3.1.0')
    const paths = json['paths'] as Record<
      string,
      Record<string, { operationId: string; parameters?: unknown[] }>
    >
    const names = Object.values(paths).flatMap((path) =>
      Object.values(path).map((call) => call.operationId),
    )
    for (const name of Object.keys(api)) expect(names).toContain(name)
    expect(names).toContain('events')
    expect(paths['/api/v1/jobs/{job}/rows']?.['get']?.parameters).toContainEqual(
      expect.objectContaining({ name: 'limit', in: 'query', required: false }),
    )
    expect(paths['/api/v1/jobs/{job}/rows']?.['get']?.parameters).toContainEqual(
      expect.objectContaining({ name: 'job', in: 'path', required: true }),
    )
  })

  test('a picture is served as an image, and anything else as mere bytes', async () => {
    fixture.changeJob('01JOB', {})
    const answer = await ask('/api/v1/jobs/01JOB/items/0/picture')
    expect(answer.headers['content-type']).toBe('image/png')
    expect(answer.headers['content-security-policy']).toBe("default-src 'none'; sandbox")
    expect(Buffer.from(answer.text).length).toBeGreaterThanOrEqual(pixel.length)
    const odd = await ask('/api/v1/jobs/01JOB/items/1/picture')
    expect(odd.headers['content-type']).toBe('application/octet-stream')
    for (const item of ['-1', 'x', '1e3', '9999999999', '25']) {
      expect((await ask(`/api/v1/jobs/01JOB/items/${item}/picture`)).status).toBe(404)
    }
  })

  test('a picture of an input is served likewise', async () => {
    const at = (input: string, name: string) =>
      ask(`/api/v1/data/picture?${new URLSearchParams({ input, name }).toString()}`)
    const answer = await at('"/scans"', 'a.png')
    expect(answer.headers['content-type']).toBe('image/png')
    expect(answer.headers['content-security-policy']).toBe("default-src 'none'; sandbox")
    const odd = await at('{"path":"/scans"}', 'a.png')
    expect(odd.headers['content-type']).toBe('application/octet-stream')
    expect((await at('no JSON', 'a.png')).status).toBe(400)
    expect((await at('"/scans"', '')).status).toBe(404)
    expect((await at('"/scans"', 'missing.png')).status).toBeGreaterThanOrEqual(400)
  })

  test('rows are sent as a file to save, never as a page', async () => {
    fixture.changeJob('01JOB', {})
    const answer = await ask('/api/v1/jobs/01JOB/download?format=csv&head=2')
    expect([answer.status, answer.text]).toEqual([200, 'csv\né0\né1\n'])
    expect(answer.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-length': String(Buffer.byteLength(answer.text)),
      'content-disposition': 'attachment; filename="01JOB.csv"',
      'content-security-policy': "default-src 'none'; sandbox",
    })
    for (const query of ['', '?format=xls', '?format=csv&head=0', '?format=csv&head=x'])
      expect((await ask(`/api/v1/jobs/01JOB/download${query}`)).status).toBe(400)
    expect((await ask('/api/v1/jobs/none/download?format=csv')).status).toBe(404)
    const stranger = await ask('/api/v1/jobs/01JOB/download?format=csv', { token: false })
    expect(stranger.status).toBe(401)
  })
})

describe('the page', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-page-'))
    await mkdir(join(folder, 'page/assets'), { recursive: true })
    await writeFile(join(folder, 'page/index.html'), '<!doctype html><p>window')
    await writeFile(join(folder, 'page/assets/app-1a2b.js'), 'export {}')
    await writeFile(join(folder, 'page/.hidden'), 'top secret')
    await writeFile(join(folder, 'secret.txt'), 'top secret')
    await symlink(join(folder, 'secret.txt'), join(folder, 'page/link.txt'))
    await fixture[Symbol.asyncDispose]()
    fixture = await startControlFixture({ pageFolder: join(folder, 'page') })
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  test('needs no token; hashed files are kept by the browser, the first page is not', async () => {
    const index = await ask('/', { token: false })
    expect([index.status, index.text]).toEqual([200, '<!doctype html><p>window'])
    expect(index.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(index.headers['cache-control']).toBe('no-cache')
    expect(index.headers['content-security-policy']).toBe(
      "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; connect-src 'self'; " +
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'",
    )
    const script = await ask('/assets/app-1a2b.js', { token: false })
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8')
    expect(script.headers['cache-control']).toContain('immutable')
  })

  test.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/%252e%252e%252fsecret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/..%5csecret.txt',
    '/assets/..\\..\\secret.txt',
    '//etc/passwd',
    '/%2fetc%2fpasswd',
    '/C:%5csecret.txt',
    '/link.txt',
    '/.hidden',
    '/assets',
    '/assets/',
    '/index.html%00.js',
    '/%',
    '/%ff',
  ])('does not leave its folder: %s', async (path) => {
    const answer = await ask(path, { token: false })
    expect(answer.text).not.toContain('top secret')
    expect(answer.text).not.toContain('root:')
    // 400 comes from the library, which refuses a backslash before we see it.
    expect([400, 404]).toContain(answer.status)
  })

  test('says what to do when it is not built', async () => {
    await rm(join(folder, 'page'), { recursive: true })
    const answer = await ask('/', { token: false })
    expect(answer.status).toBe(503)
    expect(answer.text).toContain('npm run build')
  })
})

describe('starting and stopping', () => {
  test('a taken port is told in a sentence', async () => {
    const started = await tryControlFixture({ port: Number(port()) })
    expect(started.ok).toBe(false)
    if (started.ok) return
    expect(started.error.code).toBe('PortTaken')
    expect(started.error.message).toBe(
      `Port ${port()} on 127.0.0.1 is taken by another program; choose another with --web-port, or 0 for any free one.`,
    )
  })

  test('a home that cannot be written is told, and the port is free again', async () => {
    const started = await tryControlFixture({ home: join(fixture.home, 'missing') })
    expect(started.ok ? '' : started.error.code).toBe('HomeNotWritable')
  })

  test('listens on loopback only', async () => {
    const socket = connect({ host: '127.0.0.2', port: Number(port()) })
    const outcome = await new Promise((resolve) => {
      socket.on('connect', () => resolve('connected'))
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    })
    socket.destroy()
    expect(outcome).toBe('ECONNREFUSED')
  })

  test('ends within two seconds although calls hang and windows follow, and removes its file', async () => {
    const own = await startControlFixture({ handlers: { models: () => new Promise(() => {}) } })
    const file = join(own.home, 'control.json')
    const headers = { authorization: `Bearer ${own.server.token}` }
    const following = await fetch(own.server.webAddress + eventsPath, { headers })
    const hanging = own.client.call('models').catch(() => 'cut')
    const idle = connect(Number(new URL(own.server.webAddress).port), '127.0.0.1')
    await new Promise((resolve) => idle.on('connect', resolve))
    const from = performance.now()
    await own[Symbol.asyncDispose]()
    expect(performance.now() - from).toBeLessThan(2_000)
    expect(await following.text()).toContain(': following')
    expect(await hanging).toBe('cut')
    await expect(stat(file)).rejects.toThrow('ENOENT')
    idle.destroy()
  })

  test('leaves the file of a later start alone', async () => {
    const own = await startControlFixture({ home: fixture.home })
    await fixture.server[Symbol.asyncDispose]()
    const { token } = JSON.parse(await readFile(join(fixture.home, 'control.json'), 'utf8'))
    expect(token).toBe(own.server.token)
    await own[Symbol.asyncDispose]()
  })
})
