import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createTempFolder } from '../support/ledger-fixtures.ts'
import { runMuster } from '../support/run-cli.ts'

const flowers = fileURLToPath(new URL('../fixtures/azure/script/name_flowers.py', import.meta.url))

test('muster script skeleton writes a script beside the Python one, and never over another', async () => {
  await using folder = await createTempFolder()
  await copyFile(flowers, join(folder.path, 'name_flowers.py'))
  const muster = (...words: readonly string[]) =>
    runMuster(['script', 'skeleton', ...words], { cwd: folder.path })

  const first = await muster('name_flowers.py')
  expect([first.code, first.stderr]).toEqual([0, ''])
  expect(first.stdout).toMatch(
    /^Wrote \S+name_flowers\.ts: a script to begin with\.\n.*\n {2}python -c/,
  )
  const written = await readFile(join(folder.path, 'name_flowers.ts'), 'utf8')
  expect(written).toContain(
    'export async function run(inputData: MiniBatch, context: ScriptContext) {',
  )

  const second = await muster('name_flowers.py')
  expect(second.code).toBe(4)
  expect(second.stderr).toMatch(
    /name_flowers\.ts is there already; choose another file with --output\.\n$/,
  )

  const json = await muster('name_flowers.py', '--output', 'other.ts', '--json')
  expect(JSON.parse(json.stdout)).toMatchObject({ output: join(folder.path, 'other.ts') })

  const none = await muster('none.py')
  expect(none.stderr).toMatch(/^The script \S+none\.py cannot be read; check the path/)
})
