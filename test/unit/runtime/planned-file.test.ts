import { execFileSync } from 'node:child_process'
import { mkdir, realpath, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ItemPlace } from '#agent/ports/runtime.ts'
import { createItemReader } from '#agent/data/items.ts'
import { plannedPath, readPlannedFile } from '#agent/runtime/child/read-item.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import { tempFolder, writeFiles } from '../data/temp.ts'

const plan = async (root: string, name: string): Promise<PlannedFile> => {
  const { size, mtimeMs } = await stat(join(root, name))
  return { name, bytes: size, modifiedMs: Math.trunc(mtimeMs), input: 0 }
}

const placeOf = async (root: string, file: PlannedFile): Promise<ItemPlace> => {
  const [place] = await createItemReader().places(root, [file])
  if (place === undefined) throw new Error(`no place for ${file.name}`)
  return place
}

const read = async (root: string, file: PlannedFile): Promise<string> => {
  const found = readPlannedFile(await placeOf(root, file), file)
  return typeof found === 'string' ? found : `bytes: ${Buffer.from(found).toString().slice(0, 20)}`
}

test('a worker process reads a planned file, small, empty or large', async () => {
  await using folder = await tempFolder()
  const large = 'y'.repeat(200_000)
  await writeFiles(folder.path, { 'a/b.txt': 'hello', 'empty.txt': '', 'large.txt': large })
  expect(await read(folder.path, await plan(folder.path, 'a/b.txt'))).toBe('bytes: hello')
  expect(await read(folder.path, await plan(folder.path, 'empty.txt'))).toBe('bytes: ')
  const file = await plan(folder.path, 'large.txt')
  expect(Buffer.from(readPlannedFile(await placeOf(folder.path, file), file))).toEqual(
    Buffer.from(large),
  )
})

test('it says in the words of the agent that a file changed, went, or is none', async () => {
  await using folder = await tempFolder()
  const names = ['short.txt', 'touched.txt', 'gone.txt', 'pipe.txt', 'folder.txt']
  await writeFiles(folder.path, Object.fromEntries(names.map((name) => [name, 'hello'])))
  const files = await Promise.all(names.map((name) => plan(folder.path, name)))
  await truncate(join(folder.path, 'short.txt'), 3)
  await utimes(join(folder.path, 'touched.txt'), new Date(), new Date())
  for (const name of ['gone.txt', 'pipe.txt', 'folder.txt']) await rm(join(folder.path, name))
  execFileSync('mkfifo', [join(folder.path, 'pipe.txt')])
  await mkdir(join(folder.path, 'folder.txt'))
  const reader = createItemReader()
  for (const file of files) {
    const said = await read(folder.path, file)
    expect(await reader.read(folder.path, file)).toEqual({ ok: false, problem: said })
    expect(plannedPath(await placeOf(folder.path, file), file)).toBe(said)
  }
})

test('it follows a link only to a file inside the root, also one put there later', async () => {
  await using folder = await tempFolder()
  await using outside = await tempFolder()
  await writeFiles(folder.path, { 'in.txt': 'inside', 'later.txt': 'planned' })
  await writeFile(join(outside.path, 'out.txt'), 'secret!')
  await symlink(join(folder.path, 'in.txt'), join(folder.path, 'link.txt'))
  const link = await plan(folder.path, 'link.txt')
  expect(await read(folder.path, link)).toBe('bytes: inside')
  expect(plannedPath(await placeOf(folder.path, link), link)).toEqual({
    path: await realpath(join(folder.path, 'in.txt')),
  })

  const later = await plan(folder.path, 'later.txt')
  const place = await placeOf(folder.path, later)
  await rm(join(folder.path, 'later.txt'))
  await symlink(join(outside.path, 'out.txt'), join(folder.path, 'later.txt'))
  const out = '"later.txt" leads out of its input folder by a link and was refused.'
  expect(readPlannedFile(place, later)).toBe(out)
  expect(plannedPath(place, later)).toBe(out)
})

test('folders that lead out of the root, and names that do, have no place', async () => {
  await using folder = await tempFolder()
  await using outside = await tempFolder()
  await writeFiles(outside.path, { 'a.txt': 'secret' })
  await symlink(outside.path, join(folder.path, 'way'))
  const away = { ...(await plan(outside.path, 'a.txt')), name: 'way/a.txt' }
  const up = { ...away, name: '../a.txt' }
  const gone = { ...away, name: 'no/a.txt' }
  expect(await createItemReader().places(folder.path, [away, up, gone])).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})
