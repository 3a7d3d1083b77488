import { createHash } from 'node:crypto'
import { stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createContentDigest } from '#agent/data/content-digest.ts'
import type { FileInput, TableInput } from '#protocol/model/input.ts'
import { contentHashAt, contentHashBytes } from '#protocol/model/content.ts'
import { createTempFolder } from '../../support/ledger-fixtures.ts'

const signal = new AbortController().signal

test('a planned file is named by what is in it, while it is as planned', async () => {
  await using folder = await createTempFolder()
  const input: FileInput = { kind: 'files', name: 'a', root: folder.path, patterns: ['**'] }
  const path = join(folder.path, 'one.txt')
  await writeFile(path, 'some text')
  const { size, mtimeMs } = await stat(path)
  const planned = { name: 'one.txt', bytes: size, modifiedMs: Math.trunc(mtimeMs), input: 0 }
  const { file } = createContentDigest()
  const due = createHash('sha256').update('some text').digest('hex').slice(0, 16)
  expect(await file(input, planned, signal)).toBe(due)
  expect(await file(input, { ...planned, bytes: size + 1 }, signal)).toBeUndefined()
  expect(await file(input, { ...planned, name: 'two.txt' }, signal)).toBeUndefined()
  await utimes(path, 1, 1)
  expect(await file(input, planned, signal)).toBeUndefined()

  // Nothing outside the input is read.
  await symlink('/etc/hostname', join(folder.path, 'link.txt'))
  const linked = await stat(join(folder.path, 'link.txt'))
  const outside = {
    name: 'link.txt',
    bytes: linked.size,
    modifiedMs: Math.trunc(linked.mtimeMs),
    input: 0,
  }
  expect(await file(input, outside, signal)).toBeUndefined()
})

test('slices of a table are named by their bytes, while their file is as planned', async () => {
  await using folder = await createTempFolder()
  const input: TableInput = {
    kind: 'table',
    name: 'a',
    root: folder.path,
    patterns: ['**'],
    format: 'delimited',
    delimiter: ',',
    header: true,
  }
  const path = join(folder.path, 'a.csv')
  // Longer than what is read at once.
  const long = 'x'.repeat(300_000)
  await writeFile(path, `h\n1\n${long}\n`)
  const { size, mtimeMs } = await stat(path)
  const file = {
    name: 'a.csv',
    bytes: size,
    modifiedMs: Math.trunc(mtimeMs),
    input: 0,
    columns: ['h'],
    tailBytes: 0,
  }
  const slices = [
    { file, offset: 4, length: long.length + 1, firstRecord: 1, records: 1 },
    { file: { ...file, name: 'b.csv' }, offset: 2, length: 2, firstRecord: 0, records: 1 },
    { file, offset: 2, length: 2, firstRecord: 0, records: 1 },
    { file, offset: size - 2, length: 4, firstRecord: 2, records: 1 },
  ]
  const due = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)
  const digest = createContentDigest()
  const named = [due(`${long}\n`), undefined, due('1\n'), undefined]
  expect(await digest.slices(input, slices, signal)).toEqual(named)
  // Of two that run side by side each reads into memory of its own.
  const backwards = digest.slices(input, slices.toReversed(), signal)
  expect(await digest.slices(input, slices, signal)).toEqual(named)
  expect(await backwards).toEqual(named.toReversed())
  await utimes(path, 1, 1)
  expect(await digest.slices(input, slices, signal)).toEqual(named.map(() => undefined))
})

test('hashes stand one behind the other, zeros where nothing was read', () => {
  const contents = Buffer.concat([
    Buffer.alloc(contentHashBytes, 1),
    Buffer.alloc(contentHashBytes),
  ])
  expect(contentHashAt(contents, 0)).toBe('01'.repeat(contentHashBytes))
  expect(contentHashAt(contents, 1)).toBeUndefined()
  expect(contentHashAt(contents, 2)).toBeUndefined()
  expect(contentHashAt(undefined, 0)).toBeUndefined()
})
