import { execFile } from 'node:child_process'
import { appendFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repository } from '../../tools/agents.ts'
import { buildSdk, sdkFolder } from '../../tools/build-sdk.ts'
import { createOffice, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

const run = promisify(execFile)
const count = 200

let office: Office
let team: Team
let folder = ''

beforeAll(async () => {
  office = await createOffice()
  folder = join(office.folder, 'tutorial')
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), '{"type": "module"}')
  await install()
  await office.digits(count, 'tutorial/digits')
  await cp(join(repository, 'examples/mnist/model/mnist.onnx'), join(folder, 'mnist.onnx'))
  team = await startTeam(office, ['ada'])
})
afterAll(() => office[Symbol.asyncDispose]())

/** As a stranger would: the package is built, packed, and installed in a folder of its own. */
const install = async (): Promise<void> => {
  await buildSdk()
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { stdout } = await run(npm, ['pack', '--silent', '--pack-destination', folder], {
    cwd: sdkFolder,
  })
  const archive = join(folder, stdout.trim())
  await run(npm, ['install', '--silent', '--prefer-offline', '--no-audit', '--no-fund', archive], {
    cwd: folder,
  })
}

/** Blocks that name a file, in their order: those of one file are its parts. */
const writeBlocks = async (): Promise<void> => {
  const text = await readFile(join(repository, 'docs/tutorial.md'), 'utf8')
  for (const [, file = '', code = ''] of text.matchAll(/```ts (\S+)\n(.*?)```/gs))
    await appendFile(join(folder, file), code)
}

test('the tutorial runs as it stands, with the package installed elsewhere', async () => {
  await writeBlocks()
  // The creator of a cluster may make pools and submit.
  const { home } = await team.head.client.call('agent')
  await writeFile(join(folder, 'muster.json'), JSON.stringify({ home }))
  const { stdout } = await run(process.execPath, ['tutorial.ts'], { cwd: folder })
  expect(stdout).toContain('mnist:1')
  expect(stdout).toContain('predict-digits-mnist: Completed, 200 of 200 items')
  expect(stdout).toMatch(/00000\.png \{.*digit: 7/)
  expect(stdout).toContain('1 row')
  expect(stdout).toContain('4 runs')
  const [header, ...lines] = (await readFile(join(folder, 'results/digits.csv'), 'utf8'))
    .trimEnd()
    .split('\n')
  expect(header).toContain('digit')
  expect(lines).toHaveLength(count)
})

test('its types hold where it is installed', async () => {
  const source = [
    "import { Run, Workspace } from 'muster-sdk'",
    'const ws: Workspace = Workspace.local()',
    "const state: 'Completed' | string = await (await Run.get(ws, 'x')).waitForCompletion()",
    'export const words: string = state',
    '// @ts-expect-error: the name must be a text',
    'await Run.get(ws, 7)',
  ]
  await writeFile(join(folder, 'types.ts'), `${source.join('\n')}\n`)
  const tsc = [join(repository, 'tools/pinned-node.mjs'), 'tsc', '--noEmit', '--strict']
  const options = [
    '--module',
    'nodenext',
    '--target',
    'esnext',
    '--lib',
    'esnext,dom',
    '--types',
    '',
  ]
  await run(process.execPath, [...tsc, ...options, 'types.ts'], { cwd: folder })
})
