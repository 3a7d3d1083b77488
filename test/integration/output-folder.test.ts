import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunOutcome } from '#agent/ports/runtime.ts'
import { limits } from '#protocol/limits.ts'
import { packHeadBytes } from '#protocol/wire/pack/pack.ts'
import { sha256 } from '../support/ledger-fixtures.ts'
import { createScriptLab, runItems } from '../support/scripts.ts'
import type { ScriptLab } from '../support/scripts.ts'

let lab: ScriptLab
beforeAll(async () => {
  lab = await createScriptLab()
})
afterAll(() => lab[Symbol.asyncDispose]())

const scriptOf = (run: string, more = ''): string =>
  `import * as fs from 'node:fs'
   import { join } from 'node:path'
   ${more}
   export const run = async (miniBatch, { outputDirectory: out, arguments: words }) => {
     const texts = await Promise.all([...miniBatch].map(async (item) => Buffer.from(await item.bytes()).toString()))
     ${run}
     return texts
   }`

/** Files of an outcome by path, cut out of its pack. */
const filesOf = async (outcome: RunOutcome): Promise<Readonly<Record<string, string>>> => {
  if (outcome.kind === 'threw') throw new Error(outcome.message)
  if (outcome.files === undefined) return {}
  const pack = await readFile(outcome.files.pack)
  let at = packHeadBytes
  const found: Record<string, string> = {}
  for (const { path, bytes, hash } of outcome.files.list) {
    found[path] = pack.toString('utf8', at, at + bytes)
    expect(hash).toBe(sha256(pack.subarray(at, at + bytes)))
    at += bytes
  }
  expect(at).toBe(pack.length)
  return found
}

const outputNames = async (): Promise<readonly string[]> => {
  const folder = join(lab.home, 'script-output', lab.job, String(lab.next() - 1))
  return readdir(folder, { recursive: true })
}

describe('what a script writes to its output directory', () => {
  test('belongs to the mini-batch that wrote it, whatever came before', async () => {
    const process = await lab.started(
      scriptOf(
        `for (const [i, text] of texts.entries()) fs.writeFileSync(join(out, 'made', i + '.txt'), text)
         fs.writeFileSync(join(out, 'empty'), '')
         if (texts[0] === 'bad') throw new Error('no')`,
        `export const init = ({ outputDirectory: out }) => {
           fs.mkdirSync(join(out, 'made'))
           fs.writeFileSync(join(out, 'of-init'), 'x')
         }`,
      ),
    )
    expect(await filesOf(await runItems(process, ['a', 'bé']))).toEqual({
      empty: '',
      'made/0.txt': 'a',
      'made/1.txt': 'bé',
    })
    expect(await outputNames()).toEqual(['made'])
    expect(await runItems(process, ['bad', 'x', 'y'])).toMatchObject({ kind: 'threw' })
    expect(await outputNames()).toEqual(['made'])
    expect(await filesOf(await runItems(process, ['c']))).toEqual({ empty: '', 'made/0.txt': 'c' })
  })

  test('is nothing at all where nothing is written', async () => {
    const process = await lab.started(scriptOf(''))
    const outcome = await runItems(process, ['a'])
    expect(outcome.kind === 'succeeded' && outcome.files === undefined).toBe(true)
  })

  test('is refused in words where it cannot travel, and costs the attempt', async () => {
    const process = await lab.started(
      scriptOf(`new Function('fs', 'join', 'out', texts[0])(fs, join, out)`),
    )
    const told = async (code: string): Promise<string> => {
      const outcome = await runItems(process, [code])
      return outcome.kind === 'threw' ? outcome.message : JSON.stringify(await filesOf(outcome))
    }
    const many = `for (let i = 0; i <= ${limits.outputFiles}; i++) fs.writeFileSync(join(out, 'f' + i), '')`
    expect(await told(many)).toMatch(/^run\(\) left more than 1000 files in its output directory/)
    expect(await told(`fs.writeFileSync(join(out, 'a:b'), '')`)).toMatch(
      /^run\(\) left "a:b" in its output directory, a name that not every machine can hold/,
    )
    expect(await told(`fs.writeFileSync(join(out, 'x'.repeat(201)), '')`)).toMatch(
      /not every machine/,
    )
    const sparse = `fs.writeFileSync(join(out, 'big'), ''); fs.truncateSync(join(out, 'big'), ${limits.outputFileBytes + 1})`
    expect(await told(sparse)).toMatch(/^run\(\) left more than 1024 MiB in its output directory/)
    expect(await told(`fs.writeFileSync(join(out, 'fine'), 'x')`)).toBe('{"fine":"x"}')
    expect((await readdir(join(lab.home, 'cache', 'script-packs'))).length).toBeLessThan(10)
  })
})
