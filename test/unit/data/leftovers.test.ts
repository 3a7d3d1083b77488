import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { createBlobs } from '#agent/data/blobs/blobs.ts'
import { createModelFolder } from '#agent/data/model-folder.ts'
import { createTestKeys, openTestStore } from '#test/support/ledger-fixtures.ts'
import { tempFolder } from './temp.ts'

it('a model that was half laid out when the agent was killed goes at its next start', async () => {
  await using folder = await tempFolder()
  const models = join(folder.path, 'models')
  const blobs = createBlobs({ folder: join(folder.path, 'blobs') })
  const blob = await blobs.put(Buffer.from('weights'))
  if (!blob.ok) throw new Error(blob.error.message)
  const files = [{ path: 'mnist.onnx', blob: blob.value, bytes: 7 }]
  const model = { name: 'mnist', version: 1, files }
  const first = await createModelFolder(models, blobs).place(model)
  if (!first.ok) throw new Error(first.error.message)
  await mkdir(join(models, '.0b1f7c1e'))
  await writeFile(join(models, '.0b1f7c1e', 'mnist.onnx'), 'wei')
  expect(await createModelFolder(models, blobs).place(model)).toEqual(first)
  expect(await readdir(models)).toEqual([basename(dirname(first.value))])
})

it('the copy of a store that was checked when the agent was killed goes at its next start', async () => {
  await using folder = await tempFolder()
  for (const name of ['check-copy.db', 'check-copy.db-wal', 'check-4711.db', 'check-list.txt'])
    await writeFile(join(folder.path, name), 'rows of a job')
  const [keys] = createTestKeys('m')
  await using store = await openTestStore(folder.path, keys!)
  const left = (await readdir(folder.path)).filter((name) => name.startsWith('check-'))
  expect(left).toEqual(['check-list.txt'])
  const { before, after } = await store.care.rebuildCopy(new AbortController().signal)
  expect(after).toBe(before)
  expect(await readdir(folder.path)).not.toContain('check-copy.db')
})
