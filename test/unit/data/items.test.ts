import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readlink, rm, symlink, truncate, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { describe, expect, it } from 'vitest'
import { createItemReader } from '#agent/data/items.ts'
import { limits } from '#protocol/limits.ts'
import type { PlannedItem } from '#protocol/model/plan.ts'
import { oldTime, tempFolder, writeFiles } from './temp.ts'

const planned = (name: string, bytes: number, modifiedMs = oldTime.getTime()): PlannedItem => ({
  name,
  bytes,
  modifiedMs,
  input: 0,
})

const problemOf = async (root: string, item: PlannedItem): Promise<string> => {
  const reader = createItemReader()
  const content = await reader.read(root, item)
  expect(await reader.inPlacePath(root, item)).toBeUndefined()
  return content.ok ? 'none' : content.problem
}

describe('reading planned items', () => {
  it('gives the bytes and the place of a file that is as planned', async () => {
    await using folder = await tempFolder()
    const large = 'x'.repeat(3_000_000)
    await writeFiles(folder.path, { 'a/b.txt': 'hello', 'empty.txt': '', 'large.bin': large })
    const reader = createItemReader()
    const read = async (item: PlannedItem): Promise<string> => {
      const content = await reader.read(folder.path, item)
      if (!content.ok) throw new Error(content.problem)
      expect(content.modifiedMs).toBe(item.modifiedMs)
      return Buffer.from(content.bytes).toString()
    }
    expect(await read(planned('a/b.txt', 5))).toBe('hello')
    expect(await read(planned('empty.txt', 0))).toBe('')
    expect(await read(planned('large.bin', 3_000_000))).toBe(large)
    expect(await reader.inPlacePath(folder.path, planned('a/b.txt', 5))).toBe(
      join(folder.path, 'a/b.txt'),
    )
  })

  it('says in words that a file changed, went, or is none', async () => {
    await using folder = await tempFolder()
    await writeFiles(folder.path, { 'a.txt': 'hello', 'b.txt': 'hello', 'c/d.txt': 'd' })
    await truncate(join(folder.path, 'a.txt'), 3)
    await utimes(join(folder.path, 'b.txt'), new Date(), new Date())
    const problem = (item: PlannedItem) => problemOf(folder.path, item)
    expect(await problem(planned('a.txt', 5))).toBe(
      '"a.txt" had 5 bytes when the job was planned and now has 3: submit the job again.',
    )
    expect(await problem(planned('b.txt', 5))).toBe(
      '"b.txt" was changed after the job was planned: submit the job again.',
    )
    expect(await problem(planned('gone.txt', 5))).toBe(
      '"gone.txt" is gone: it was there when the job was planned.',
    )
    expect(await problem(planned('c/d.txt/e', 5))).toContain('is gone')
    expect(await problem(planned('c', 4096))).toContain('is no longer a file')
    expect(await problem(planned('nul\0.txt', 1))).toContain('has a name that no file can have')
    expect(await problem(planned('x'.repeat(3_000), 1))).toContain('has too long a path')
    expect(await problem(planned('big.bin', limits.itemBytes + 1))).toContain('more than the')
  })

  it('does not wait for a pipe that took the place of a file', async () => {
    await using folder = await tempFolder()
    execFileSync('mkfifo', [join(folder.path, 'a.txt')])
    expect(await problemOf(folder.path, planned('a.txt', 5))).toContain('is no longer a file')
  })

  it('refuses every way out of the root', async () => {
    await using folder = await tempFolder()
    await using outside = await tempFolder()
    await writeFiles(outside.path, { 'secret.txt': 'hello' })
    const root = join(folder.path, 'root')
    await mkdir(root)
    // A neighbour whose name merely starts like the root's is outside as well.
    await writeFiles(folder.path, { 'root-2/secret.txt': 'hello' })
    await symlink(outside.path, join(root, 'folder'))
    await symlink(join(outside.path, 'secret.txt'), join(root, 'file.txt'))
    await symlink('../root-2', join(root, 'near'))
    const names = ['folder/secret.txt', 'file.txt', 'near/secret.txt', '../root-2/secret.txt']
    for (const name of names)
      expect(await problemOf(root, planned(name, 5))).toContain('leads out of its input folder')
  })

  it('follows links that stay inside, and a root that is a link itself', async () => {
    await using folder = await tempFolder()
    await writeFiles(folder.path, { 'real/a.txt': 'hello' })
    await symlink('a.txt', join(folder.path, 'real/link.txt'))
    await symlink('real', join(folder.path, 'root'))
    const reader = createItemReader()
    const root = join(folder.path, 'root')
    expect(await reader.read(root, planned('link.txt', 5))).toMatchObject({ ok: true })
    expect(await reader.inPlacePath(root, planned('link.txt', 5))).toBe(
      join(folder.path, 'real/a.txt'),
    )
  })

  it('is not fooled by a file replaced by a link between plan and reading', async () => {
    await using folder = await tempFolder()
    await using outside = await tempFolder()
    await writeFiles(outside.path, { 'a.txt': 'HELLO' })
    await writeFiles(folder.path, { 'a.txt': 'hello' })
    const reader = createItemReader()
    expect((await reader.read(folder.path, planned('a.txt', 5))).ok).toBe(true)
    await rm(join(folder.path, 'a.txt'))
    await symlink(join(outside.path, 'a.txt'), join(folder.path, 'a.txt'))
    expect((await reader.read(folder.path, planned('a.txt', 5))).ok).toBe(false)
  })

  it.skipIf(process.platform !== 'linux')('leaves no file open', async () => {
    await using folder = await tempFolder()
    await writeFiles(folder.path, { 'a.txt': 'hello' })
    const reader = createItemReader()
    for (let i = 0; i < 50; i++) {
      await reader.read(folder.path, planned('a.txt', 5))
      await reader.read(folder.path, planned('a.txt', 4))
    }
    const open = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) =>
        readlink(`/proc/self/fd/${fd}`).catch(() => 'closed meanwhile'),
      ),
    )
    expect(open.filter((path) => path.startsWith(folder.path))).toEqual([])
  })
})
