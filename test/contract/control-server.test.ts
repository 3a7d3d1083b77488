import { readFile, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { api, eventsPath } from '#protocol/control/api.ts'
import type { ApiName } from '#protocol/control/api.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'
import { musterError } from '#protocol/errors.ts'
import { pixel, startControlFixture, tryControlFixture } from '#test/support/control-fixture.ts'
import type { ControlFixture } from '#test/support/control-fixture.ts'
import { makeModel } from '#test/support/control-views.ts'
import { ask } from '#test/support/control-asking.ts'

let fixture: ControlFixture

beforeEach(async () => {
  fixture = await startControlFixture()
})
afterEach(() => fixture[Symbol.asyncDispose]())

const port = (): string => new URL(fixture.server.webAddress).port

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
        fixture,
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
    await ask(
      fixture,
      `/api/v1/jobs/01JOB/rows?limit=7&offset=3&search=${encodeURIComponent('a/b ü')}`,
    )
    expect(fixture.seen.at(-1)?.query).toEqual({
      job: '01JOB',
      limit: 7,
      offset: 3,
      search: 'a/b ü',
    })
    await ask(fixture, `/api/v1/models/${encodeURIComponent('team/mnist:2')}`)
    expect(fixture.seen.at(-1)?.query).toEqual({ model: 'team/mnist:2' })
  })

  test('a field that does not fit is named in a sentence', async () => {
    const wrongQuery = await ask(fixture, '/api/v1/jobs?limit=0')
    expect(wrongQuery.status).toBe(400)
    expect(wrongQuery.json).toMatchObject({ code: 'RequestInvalid', retryable: false })
    expect(wrongQuery.json.message).toMatch(
      /^The field `limit` of the request is not valid: .+; correct it/,
    )
    const wrongBody = await ask(fixture, api.invite.path, {
      method: 'POST',
      body: '{"roles":["work","boss"]}',
    })
    expect(wrongBody.json.message).toMatch(/field `roles\.1`/)
    const broken = await ask(fixture, api.invite.path, { method: 'POST', body: '{"roles":' })
    expect([broken.status, broken.json.code]).toEqual([400, 'RequestInvalid'])
    const form = await ask(fixture, api.invite.path, {
      method: 'POST',
      body: 'roles=work',
      headers: { 'content-type': 'text/plain' },
    })
    expect([form.status, form.json.code]).toEqual([415, 'RequestInvalid'])
    expect(fixture.seen).toEqual([])
  })

  test('a body above the limit is refused, told or untold', async () => {
    const body = JSON.stringify({ text: 'x'.repeat(limits.requestBodyBytes), file: '/a.yml' })
    const told = await ask(fixture, api.submitJob.path, {
      method: 'POST',
      body,
      headers: { 'content-length': String(body.length) },
    })
    expect([told.status, told.json.code]).toEqual([413, 'FrameTooLarge'])
    const untold = await ask(fixture, api.submitJob.path, {
      method: 'POST',
      body,
      headers: { 'transfer-encoding': 'chunked' },
    })
    expect([untold.status, untold.json.code]).toEqual([413, 'FrameTooLarge'])
    const fits = await ask(fixture, api.submitJob.path, {
      method: 'POST',
      body: JSON.stringify({ text: 'x'.repeat(1_000_000), file: '/a.yml' }),
      headers: { 'transfer-encoding': 'chunked' },
    })
    expect(fits.status).toBe(200)
  })

  test('errors carry code, sentence and position, and a fitting status', async () => {
    const unknown = await ask(fixture, '/api/v1/jobs/nope')
    expect(unknown.status).toBe(404)
    expect(unknown.json.code).toBe('JobUnknown')
    const wrong = await ask(fixture, api.submitJob.path, {
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
      const answer = await ask(fixture, path, { method })
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
    const { json } = await ask(fixture, '/api/v1/openapi.json')
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
    const answer = await ask(fixture, '/api/v1/jobs/01JOB/items/0/picture')
    expect(answer.headers['content-type']).toBe('image/png')
    expect(answer.headers['content-security-policy']).toBe("default-src 'none'; sandbox")
    expect(Buffer.from(answer.text).length).toBeGreaterThanOrEqual(pixel.length)
    const odd = await ask(fixture, '/api/v1/jobs/01JOB/items/1/picture')
    expect(odd.headers['content-type']).toBe('application/octet-stream')
    for (const item of ['-1', 'x', '1e3', '9999999999', '25']) {
      expect((await ask(fixture, `/api/v1/jobs/01JOB/items/${item}/picture`)).status).toBe(404)
    }
  })

  test('a picture of an input is served likewise', async () => {
    const at = (input: string, name: string) =>
      ask(fixture, `/api/v1/data/picture?${new URLSearchParams({ input, name }).toString()}`)
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
    const answer = await ask(fixture, '/api/v1/jobs/01JOB/download?format=csv&head=2')
    expect([answer.status, answer.text]).toEqual([200, 'csv\né0\né1\n'])
    expect(answer.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-length': String(Buffer.byteLength(answer.text)),
      'content-disposition': 'attachment; filename="01JOB.csv"',
      'content-security-policy': "default-src 'none'; sandbox",
    })
    for (const query of ['', '?format=xls', '?format=csv&head=0', '?format=csv&head=x'])
      expect((await ask(fixture, `/api/v1/jobs/01JOB/download${query}`)).status).toBe(400)
    expect((await ask(fixture, '/api/v1/jobs/none/download?format=csv')).status).toBe(404)
    const stranger = await ask(fixture, '/api/v1/jobs/01JOB/download?format=csv', { token: false })
    expect(stranger.status).toBe(401)
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

  test('ends although calls hang and windows follow, and removes its file', async () => {
    const own = await startControlFixture({ handlers: { models: () => new Promise(() => {}) } })
    const file = join(own.home, 'control.json')
    const headers = { authorization: `Bearer ${own.server.token}` }
    const following = await fetch(own.server.webAddress + eventsPath, { headers })
    const hanging = own.client.call('models').catch(() => 'cut')
    const idle = connect(Number(new URL(own.server.webAddress).port), '127.0.0.1')
    await new Promise((resolve) => idle.on('connect', resolve))
    await own[Symbol.asyncDispose]()
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
