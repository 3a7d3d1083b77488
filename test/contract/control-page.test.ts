import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startControlFixture } from '#test/support/control-fixture.ts'
import type { ControlFixture } from '#test/support/control-fixture.ts'
import { ask } from '#test/support/control-asking.ts'

let fixture: ControlFixture

beforeEach(async () => {
  fixture = await startControlFixture()
})
afterEach(() => fixture[Symbol.asyncDispose]())

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
    const index = await ask(fixture, '/', { token: false })
    expect([index.status, index.text]).toEqual([200, '<!doctype html><p>window'])
    expect(index.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(index.headers['cache-control']).toBe('no-cache')
    expect(index.headers['content-security-policy']).toBe(
      "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; connect-src 'self'; " +
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'",
    )
    const script = await ask(fixture, '/assets/app-1a2b.js', { token: false })
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
    const answer = await ask(fixture, path, { token: false })
    expect(answer.text).not.toContain('top secret')
    expect(answer.text).not.toContain('root:')
    // 400 comes from the library, which refuses a backslash before we see it.
    expect([400, 404]).toContain(answer.status)
  })

  test('says what to do when it is not built', async () => {
    await rm(join(folder, 'page'), { recursive: true })
    const answer = await ask(fixture, '/', { token: false })
    expect(answer.status).toBe(503)
    expect(answer.text).toContain('npm run build')
  })
})
