import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { createBlobs } from '#agent/data/blobs/blobs.ts'
import { createModelFolder } from '#agent/data/model-folder.ts'
import type { ModelFile } from '#protocol/model/model.ts'
import { tempFolder } from './temp.ts'

const setup = async () => {
  const temp = await tempFolder()
  const blobs = createBlobs({ folder: join(temp.path, 'blobs') })
  const folder = join(temp.path, 'models')
  const models = createModelFolder(folder, blobs)
  const fileOf = async (path: string, content: string): Promise<ModelFile> => {
    const put = await blobs.put(Buffer.from(content))
    if (!put.ok) throw new Error(put.error.message)
    return { path, blob: put.value, bytes: content.length }
  }
  return {
    folder,
    fileOf,
    place: async (...files: readonly ModelFile[]): Promise<string> => {
      const placed = await models.place({ name: 'net', version: 1, files })
      if (!placed.ok) throw new Error(placed.error.detail)
      return placed.value
    },
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  }
}

it('is laid out once, however many want it at the same time: the first may use it already', async () => {
  await using t = await setup()
  const graph = await t.fileOf('net.onnx', 'graph')
  const used = await Promise.all(
    Array.from({ length: 8 }, async () => (await stat(await t.place(graph))).ino),
  )
  expect(new Set(used).size).toBe(1)
  expect(await readdir(t.folder)).toHaveLength(1)
})

it('is another one where its weights are others, though its graph and all sizes are the same', async () => {
  await using t = await setup()
  const graph = await t.fileOf('net.onnx', 'graph')
  const weightsOf = async (text: string): Promise<string> => {
    const path = await t.place(graph, await t.fileOf('net.data', text))
    expect(await readFile(path, 'utf8')).toBe('graph')
    return readFile(join(dirname(path), 'net.data'), 'utf8')
  }
  expect(await weightsOf('before')).toBe('before')
  expect(await weightsOf('later!')).toBe('later!')
  expect(await weightsOf('before')).toBe('before')
})

it('is laid out anew where a file of it is gone or cut off', async () => {
  await using t = await setup()
  const files = [await t.fileOf('net.onnx', 'graph'), await t.fileOf('deep/net.data', 'weights')]
  const path = await t.place(...files)
  const data = join(dirname(path), 'deep/net.data')
  await rm(data)
  expect(await t.place(...files)).toBe(path)
  await writeFile(data, 'wei')
  await t.place(...files)
  expect(await readFile(data, 'utf8')).toBe('weights')
})
