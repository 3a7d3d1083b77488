import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createBlobs } from '#agent/data/blobs/blobs.ts'
import { writeFileFolder } from '#agent/data/output/file-folder.ts'
import { createPacks } from '#agent/data/blobs/packs.ts'
import type { MiniBatchFiles } from '#agent/ports/output.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import { asBlobHash } from '#protocol/model/ids.ts'
import { packHead } from '#protocol/wire/pack/pack.ts'
import { jobNumbered, sha256 } from '../../../support/ledger-fixtures.ts'
import { tempFolder } from '../temp.ts'

const job = jobNumbered(1)

/** Blobs, packs, and a folder for outputs. */
const setup = async () => {
  const temp = await tempFolder()
  const blobs = createBlobs({ folder: join(temp.path, 'blobs') })
  const packs = createPacks(join(temp.path, 'packs'), blobs)
  const folder = join(temp.path, 'out')
  const batches: MiniBatchFiles[] = []
  const wish = { job, folder, name: 'files', present: 'other-name', mapHash: '' } as const
  return {
    folder,
    blobs,
    packs,
    batches,
    /** Packs files as a worker does. */
    add: async (miniBatch: number, files: Readonly<Record<string, string>>): Promise<BlobHash> => {
      const path = join(temp.path, randomUUID())
      await writeFile(path, packHead(randomUUID()) + Object.values(files).join(''))
      const pack = await packs.take(job, path)
      if (!pack.ok) throw new Error(pack.error.message)
      const list = Object.entries(files).map(([name, text]) => ({
        path: name,
        bytes: Buffer.byteLength(text),
        hash: asBlobHash(sha256(text)),
      }))
      batches.push({ miniBatch, pack: pack.value, list })
      return pack.value
    },
    write: (more: { readonly present?: 'replaced'; readonly check?: () => void } = {}) =>
      writeFileFolder(
        { ...wish, ...(more.present === undefined ? {} : { present: more.present }) },
        {
          source: { files: () => batches },
          packPath: blobs.path,
          check: more.check ?? (() => {}),
        },
      ),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  }
}

/** Files below a folder by path. */
const contentOf = async (folder: string): Promise<Readonly<Record<string, string>>> => {
  const found: Record<string, string> = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    found[path.slice(folder.length + 1)] = await readFile(path, 'utf8')
  }
  return found
}

describe('the folder of files', () => {
  it('holds every file, and none twice: whose name is taken goes to its mini-batch', async () => {
    await using t = await setup()
    await t.add(3, { 'a.txt': 'three', 'deep/b.txt': 'é', empty: '' })
    await t.add(7, { 'a.txt': 'seven', 'deep/b.txt/c': 'below a file' })
    await t.add(9, { deep: 'where a folder is', 'mini-batch-9/deep': 'in its way' })
    const files = join(t.folder, 'files')
    expect(t.write()).toEqual({
      ok: true,
      value: {
        folder: files,
        count: 7,
        bytes: 5 + 2 + 5 + 12 + 17 + 10,
        note: 'Mini-batches 3 and 7 both wrote a.txt, and 3 more names were taken already: what the later ones wrote stands in mini-batch-7/ and the like; let the script name its files by miniBatch.index.',
      },
    })
    expect(await contentOf(files)).toEqual({
      'a.txt': 'three',
      'deep/b.txt': 'é',
      empty: '',
      'mini-batch-7/a.txt': 'seven',
      'mini-batch-7/deep/b.txt/c': 'below a file',
      'mini-batch-9/deep': 'where a folder is',
      'mini-batch-9/mini-batch-9/deep': 'in its way',
    })
    expect(await readdir(t.folder)).toEqual(['files'])
  })

  it('takes another name beside what is there, or its place if that was asked for', async () => {
    await using t = await setup()
    await t.add(0, { a: 'new' })
    await mkdir(join(t.folder, 'files'), { recursive: true })
    await writeFile(join(t.folder, 'files', 'mine'), '')
    expect(t.write()).toMatchObject({ value: { folder: join(t.folder, 'files-2') } })
    expect(t.write({ present: 'replaced' })).toMatchObject({ value: { count: 1 } })
    expect(await contentOf(t.folder)).toEqual({ 'files/a': 'new', 'files-2/a': 'new' })
  })

  it('is found again where an agent that was killed left it whole', async () => {
    await using t = await setup()
    await t.add(0, { a: 'one', 'deep/b': 'two' })
    for (let i = 0; i < 2; i += 1)
      expect(t.write()).toMatchObject({ value: { folder: join(t.folder, 'files'), count: 2 } })
    expect(await readdir(t.folder)).toEqual(['files'])
    for (const [path, text] of [
      ['files/deep/b', 'tow'],
      ['files-2/deep/c', ''],
    ] as const)
      await writeFile(join(t.folder, path), text).then(() => t.write())
    expect((await readdir(t.folder)).toSorted()).toEqual(['files', 'files-2', 'files-3'])
  })

  it('is not there without files, nor half: when it is given up, or a pack is missing', async () => {
    await using t = await setup()
    expect(t.write()).toEqual({ ok: true, value: { folder: '', count: 0, bytes: 0, note: '' } })
    await t.add(0, { a: '1' })
    const pack = await t.add(1, { b: '2' })
    const given = musterError('Aborted', 'Enough.', { retryable: true })
    let left = 1
    const check = (): void => {
      if (left-- === 0) throw new MusterFailure(given)
    }
    expect(t.write({ check })).toEqual({ ok: false, error: given })
    await t.blobs.delete(pack)
    expect(t.write()).toMatchObject({ ok: false, error: { code: 'BlobMissing', retryable: true } })
    expect(await readdir(t.folder)).toEqual([])
  })

  it('leaves out what is not as its maker announced, and says so', async () => {
    await using t = await setup()
    const pack = await t.add(4, { a: 'right', b: 'other' })
    const [batch] = t.batches.splice(0)
    const hash = asBlobHash('0'.repeat(64))
    const list = [...(batch?.list ?? []), { path: 'c', bytes: 99, hash }]
    t.batches.push({
      miniBatch: 4,
      pack,
      list: list.map((one) => (one.path === 'b' ? { ...one, hash } : one)),
    })
    expect(t.write()).toMatchObject({
      value: {
        count: 1,
        note: '2 files were left out, such as b of mini-batch 4: the machine that made them sent other bytes than it announced.',
      },
    })
    expect(await contentOf(join(t.folder, 'files'))).toEqual({ a: 'right' })
  })
})
