import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createBundler } from '#agent/bundle/bundler.ts'
import { createIgnore } from '#agent/bundle/ignore-file.ts'
import { tempFolder } from '../data/temp.ts'

const never = new AbortController().signal

const write = async (folder: string, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
}

const bundle = (folder: string, entry = 'score.ts', sourceDirectory?: string) =>
  createBundler().bundle(
    {
      entry: join(folder, entry),
      ...(sourceDirectory === undefined ? {} : { sourceDirectory: join(folder, sourceDirectory) }),
    },
    never,
  )

const good = 'export const run = () => []'

describe('a bundle', () => {
  it('has the script, what it imports, and packages, in one module that runs', async () => {
    await using folder = await tempFolder()
    await write(folder.path, {
      'score.ts': `import { one } from './lib/one.ts'
        import old from 'old-style'
        import data from './data.json' with { type: 'json' }
        export const run = async (): Promise<unknown[]> => [one, old.two, (await import('./three.ts')).three, data.four]`,
      'lib/one.ts': 'export const one: number = 1',
      'three.ts': 'export const three: number = 3',
      'data.json': '{ "four": 4 }',
      'node_modules/old-style/package.json': '{ "name": "old-style", "main": "index.js" }',
      'node_modules/old-style/index.js': `const fs = require('fs'); exports.two = typeof fs.readFileSync === 'function' ? 2 : 0`,
    })
    const result = await bundle(folder.path)
    if (!result.ok) throw new Error(result.error.message)
    expect(result.value.entry).toBe('score.ts')
    const [file] = result.value.files
    expect(file?.path).toBe('score.bundle.mjs')
    if (!(file?.content instanceof Uint8Array)) throw new Error('no bundle')
    const text = Buffer.from(file.content).toString()
    expect(text).toContain('sourceMappingURL=data:')
    await write(folder.path, { 'alone/score.bundle.mjs': text })
    const made = (await import(join(folder.path, 'alone/score.bundle.mjs'))) as {
      run: () => Promise<unknown[]>
    }
    expect(await made.run()).toEqual([1, 2, 3, 4])
  })

  it('takes the source folder along, minus what is ignored', async () => {
    await using folder = await tempFolder()
    await write(folder.path, {
      'src/score.ts': good,
      'labels.txt': 'a',
      'deep/data.bin': 'b',
      'deep/big.png': 'c',
      '.hidden': 'd',
      'node_modules/x/index.js': 'e',
      '.musterignore': '# pictures\n*.png\n',
    })
    await symlink('labels.txt', join(folder.path, 'link.txt'))
    const result = await bundle(folder.path, 'src/score.ts', '.')
    if (!result.ok) throw new Error(result.error.message)
    expect(result.value.files.map((file) => file.path)).toEqual([
      'src/score.bundle.mjs',
      'deep/data.bin',
      'labels.txt',
      'link.txt',
      'src/score.ts',
    ])
  })

  it.each([
    [
      'a link out of the source folder',
      { 'a/score.ts': good },
      'The link out.txt in the source folder leads out of it',
    ],
  ])('refuses %s', async (_, files, sentence) => {
    await using folder = await tempFolder()
    await write(folder.path, files)
    await write(folder.path, { 'secret.txt': 'secret' })
    await symlink(join(folder.path, 'secret.txt'), join(folder.path, 'a/out.txt'))
    const result = await bundle(folder.path, 'a/score.ts', 'a')
    expect(result).toMatchObject({
      error: { code: 'ScriptInvalid', message: expect.stringContaining(sentence) as string },
    })
  })

  const native = {
    'node_modules/fast-thing/package.json': '{ "name": "fast-thing", "gypfile": true }',
    'node_modules/fast-thing/index.js': `module.exports = require('./build/fast.node')`,
    'node_modules/fast-thing/build/fast.node': 'x',
  }
  it.each([
    [
      'a native package',
      { 'score.ts': `import f from 'fast-thing'\nexport const run = () => [f]`, ...native },
      'score.ts imports "fast-thing", which has native code that scripts cannot carry: use a package of plain JavaScript',
    ],
    [
      'an add-on',
      { 'score.ts': `import f from './x.node'\nexport const run = () => [f]`, 'x.node': 'x' },
      'imports "./x.node", which has native code',
    ],
    [
      'a missing package',
      { 'score.ts': `import f from '@scope/none/part'\nexport const run = () => [f]` },
      'imports the package "@scope/none/part", which is not installed: run `npm install @scope/none`',
    ],
    [
      'a missing file',
      { 'score.ts': `import f from './none.ts'\nexport const run = () => [f]` },
      'imports "./none.ts", but there is no such file',
    ],
    [
      'the network',
      { 'score.ts': `import f from 'http'\nexport const run = () => [f]` },
      'imports "http", but scripts have no network',
    ],
    [
      'SQLite, in a helper',
      {
        'score.ts': `import { f } from './h.ts'\nexport const run = () => [f]`,
        'h.ts': `import * as s from 'node:sqlite'\nexport const f = s`,
      },
      'h.ts imports "node:sqlite", but scripts write only',
    ],
    ['no run', { 'score.ts': 'export const go = 1' }, 'exports no function "run"'],
    [
      'a broken line',
      { 'score.ts': 'export const run = 1\nconst x = ;' },
      'The script score.ts cannot be bundled: Unexpected token (score.ts:2:11).',
    ],
    [
      'broken JSON that it imports',
      {
        'score.ts': `import f from './names.json'\nexport const run = () => [f]`,
        'names.json': '{\n  "a": 1,\n}',
      },
      '(names.json:3:1).',
    ],
    [
      'a name that a helper does not have',
      {
        'score.ts': `import { f } from './h.ts'\nexport const run = () => [f]`,
        'h.ts': 'export const g = 1',
      },
      '"f" is not exported by "h.ts" (score.ts:1:10).',
    ],
  ])('names %s', async (_, files, sentence) => {
    await using folder = await tempFolder()
    await write(folder.path, files)
    const result = await bundle(folder.path)
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'ScriptInvalid', message: expect.stringContaining(sentence) as string },
    })
    if (!result.ok) expect(result.error.message).toMatch(/^[^\n]*\.$/)
  })

  it('says that there is no script, or that it lies elsewhere', async () => {
    await using folder = await tempFolder()
    await write(folder.path, { 'score.ts': good, 'other/x.txt': 'x' })
    expect(await bundle(folder.path, 'none.ts')).toMatchObject({ error: { code: 'ScriptMissing' } })
    expect(await bundle(folder.path, 'score.ts', 'other')).toMatchObject({
      error: { message: expect.stringContaining('does not lie in the source folder') as string },
    })
  })

  it('is never larger than the limit', async () => {
    await using folder = await tempFolder()
    const large = `export const text = ${JSON.stringify('x'.repeat(17 * 2 ** 20))}`
    await write(folder.path, { 'score.ts': `export { text as run } from './t.ts'`, 't.ts': large })
    expect(await bundle(folder.path)).toMatchObject({
      error: { message: expect.stringMatching(/has \d+ bytes, more than the 16777216/) as string },
    })
  })
})

describe('an ignore file', () => {
  it.each([
    ['*.png', 'a.png', true],
    ['*.png', 'deep/a.png', true],
    ['*.png', 'a.txt', false],
    ['data/', 'data/x/y.txt', true],
    ['/top.txt', 'deep/top.txt', false],
    ['/top.txt', 'top.txt', true],
    ['a/**/z', 'a/b/c/z', true],
    ['*\n!keep.txt', 'keep.txt', false],
    ['# *', 'a', false],
    ['', 'a', false],
  ])('%j on %s', (text, path, ignored) => {
    expect(createIgnore(text)(path)).toBe(ignored)
  })
})
