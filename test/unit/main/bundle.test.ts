import { execFile } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { findPaths } from '../../../main/paths.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../../..')
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-main-'))
  await run(
    process.execPath,
    [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--config', 'main/vite.config.ts'],
    { cwd: root, env: { ...process.env, MUSTER_MAIN_OUT: folder, NODE_ENV: 'production' } },
  )
}, 120_000)
afterAll(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

test('builds main as a module and preload as one CommonJS file, both for Electron to load', async () => {
  expect((await readdir(folder)).toSorted()).toEqual([
    'icon.png',
    'main.js',
    'preload.cjs',
    'tray.png',
  ])
  const main = await readFile(join(folder, 'main.js'), 'utf8')
  const imported = [...main.matchAll(/^import .*?from ["'](.+?)["']/gm)].map(([, name]) => name)
  expect(imported).toContain('electron')
  for (const name of imported) expect(name).toMatch(/^(?:electron|node:)/)
  const preload = await readFile(join(folder, 'preload.cjs'), 'utf8')
  const required = [...preload.matchAll(/require\(["'](.+?)["']\)/g)].map(([, name]) => name)
  expect(required).toEqual(['electron'])
  expect(preload).not.toMatch(/^import /m)
  for (const name of ['main.js', 'preload.cjs']) {
    await run(process.execPath, ['--check', join(folder, name)])
  }
})

test('finds the agent beside a packaged app and in a checkout', () => {
  const facts = { built: join(root, 'dist/main'), platform: process.platform, arch: process.arch }
  const packaged = findPaths({
    ...facts,
    packaged: true,
    resources: '/opt/Muster/resources',
    platform: 'linux',
    env: { MUSTER_HOME: '/data/muster' },
  })
  expect(packaged).toMatchObject({
    node: '/opt/Muster/resources/node/node',
    entry: '/opt/Muster/resources/app.asar.unpacked/dist/app/agent/main.js',
    home: '/data/muster',
  })
  const checkout = findPaths({ ...facts, packaged: false, resources: '', env: {} })
  expect(checkout.entry).toBe(join(root, 'node-agent/cli/main.ts'))
  expect(checkout.home).toContain('muster')
})
