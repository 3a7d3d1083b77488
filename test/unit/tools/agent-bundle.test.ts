import { execFileSync } from 'node:child_process'
import { copyFile, mkdir, mkdtempDisposable, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { buildMuster, isBuilt, muster } from '../../../tools/agent-bundle.mjs'

const main = `
import { Worker } from 'node:worker_threads'
import { place } from '../store/place.ts'
const kind: string = 'main'
new Worker(new URL('./a-thread.ts', import.meta.url)).on('message', (said) =>
  console.log(JSON.stringify({ kind, place, said })),
)
`
const thread = `
import { parentPort } from 'node:worker_threads'
import { place } from '../store/place.ts'
parentPort?.postMessage({ place, self: import.meta.filename })
`

const child = `
import process from 'node:process'
import { place } from '../store/place.ts'
const { later } = await import('../store/later.ts')
console.log(JSON.stringify({ place, later, argument: process.argv[2], stream: process.stdout.writable }))
`

it('has the processes of the agent, that of scripts in one file', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-bundle-'))
  const root = folder.path
  for (const path of ['node-agent/cli', 'node-agent/store', 'node-agent/runtime', 'protocol'])
    await mkdir(join(root, path), { recursive: true })
  await writeFile(join(root, 'package.json'), '{ "type": "module" }')
  await writeFile(
    join(root, 'node-agent/cli/main.ts'),
    `import { roots } from '../runtime/roots.ts'; console.log(JSON.stringify(roots))`,
  )
  await writeFile(
    join(root, 'node-agent/runtime/roots.ts'),
    `export const roots = ['runtime', 'script'].map((name) => name === 'runtime'
       ? new URL('./runtime-process.ts', import.meta.url).pathname
       : new URL('./script-process.ts', import.meta.url).pathname)`,
  )
  await writeFile(join(root, 'node-agent/store/place.ts'), `export const place: string = 'here'`)
  await writeFile(join(root, 'node-agent/store/later.ts'), `export const later: string = 'there'`)
  for (const name of ['runtime', 'script'])
    await writeFile(join(root, `node-agent/runtime/${name}-process.ts`), child)

  const built = await buildMuster(root)
  const node = (...words: string[]): unknown =>
    JSON.parse(execFileSync(process.execPath, words).toString())
  const roots = ['runtime', 'script'].map((name) => join(built, `../${name}-process.js`))
  expect(node(built)).toEqual(roots)
  const said = { place: 'here', later: 'there', argument: 'word', stream: true }
  const [runtime = '', script = ''] = roots
  expect(node(runtime, 'word')).toEqual(said)
  // It is copied to where the script may read, alone.
  const alone = join(root, 'alone.mjs')
  await copyFile(script, alone)
  expect(node(alone, 'word')).toEqual(said)
})

it('is run while it fits its sources, and finds what lies beside them', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-bundle-'))
  const root = folder.path
  for (const path of ['node-agent/cli', 'node-agent/store', 'protocol'])
    await mkdir(join(root, path), { recursive: true })
  await writeFile(join(root, 'package.json'), '{ "type": "module" }')
  const entry = join(root, 'node-agent/cli/main.ts')
  await writeFile(entry, main)
  await writeFile(join(root, 'node-agent/cli/a-thread.ts'), thread)
  const place = join(root, 'node-agent/store/place.ts')
  await writeFile(place, `export const place: string = new URL('beside.txt', import.meta.url).href`)
  expect(muster(root)).toBe(entry)
  expect(isBuilt(entry)).toBe(false)

  const built = await buildMuster(root)
  expect(muster(root)).toBe(built)
  expect(isBuilt(built)).toBe(true)
  expect(await buildMuster(root)).toBe(built)
  const beside = pathToFileURL(join(root, 'node-agent/store/beside.txt')).href
  const run = (file: string): unknown =>
    JSON.parse(execFileSync(process.execPath, [file]).toString())
  expect(run(built)).toMatchObject({
    kind: 'main',
    place: beside,
    said: { place: beside, self: built.replace(/main\.js$/, 'a-thread.js') },
  })

  await writeFile(place, `export const place: string = 'moved'`)
  expect(muster(root)).toBe(entry)
  expect(run(await buildMuster(root))).toMatchObject({ place: 'moved' })
  expect((await readdir(join(root, 'dist/agent'))).length).toBe(2)
})
