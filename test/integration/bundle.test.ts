import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { findPaths } from '../../main/paths.ts'
import { buildMuster, buildPackaged } from '../../tools/agent-bundle.mjs'
import { allRows, pairAll, repository, startAgentProcess, untilFinal } from '../../tools/agents.ts'
import { createOffice, submitDigits } from '../support/office.ts'
import type { Office } from '../support/office.ts'

const run = promisify(execFile)
let office: Office
let entry: string

beforeAll(async () => {
  entry = await buildMuster()
  office = await createOffice()
})
afterAll(() => office[Symbol.asyncDispose]())

test('agents that run from the bundle pair, run a job and write its output', async () => {
  const head = await office.start('head', 0)
  const worker = await office.start('worker', 1)
  await pairAll(head, [{ agent: worker, roles: ['work'] }])
  const { folder } = await office.digits(40)
  const id = await submitDigits(head, folder, {})
  const job = await untilFinal(() => head.client, id)
  expect([job.state, job.rows]).toEqual(['Completed', 40])
  if (process.platform === 'linux')
    expect(readFileSync(`/proc/${worker.pid}/cmdline`, 'latin1')).toContain(entry)
})

/** What electron-builder makes of the checkout, at another place. Its Electron is an empty file. */
const makePackage = async (): Promise<string> => {
  await buildPackaged()
  const vite = join(repository, 'node_modules/vite/bin/vite.js')
  await run(process.execPath, [vite, 'build', '--config', 'main/vite.config.ts'], {
    cwd: repository,
  })
  const electron = join(office.folder, 'electron')
  await mkdir(electron)
  await writeFile(join(electron, 'electron'), '')
  await chmod(join(electron, 'electron'), 0o755)
  const text = await readFile(join(repository, 'electron-builder.yml'), 'utf8')
  const { electronFuses: _needTheBinary, ...config } = parse(text) as Record<string, unknown>
  const output = join(office.folder, 'packages')
  const file = join(office.folder, 'package.json')
  const told = { ...config, electronDist: electron, directories: { output } }
  await writeFile(file, JSON.stringify(told))
  const builder = join(repository, 'node_modules/electron-builder/cli.js')
  const words = [builder, '--linux', 'dir', '--config', file, '--publish', 'never']
  await run(process.execPath, words, { cwd: repository })
  return join(output, 'linux-unpacked/resources')
}

/** Processes below one, itself among them. */
const familyOf = (pid: number): readonly number[] => {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return [pid, ...children.trim().split(' ').filter(Boolean).map(Number).flatMap(familyOf)]
}

// Packages of other systems are made on them.
test.runIf(process.platform === 'linux')(
  'what is packaged starts, pairs and runs jobs elsewhere, on the Node it brings, without a source file',
  async () => {
    const resources = await makePackage()
    const { platform, arch } = process
    const facts = { packaged: true, resources, built: '', platform, arch, env: {} }
    const program = findPaths(facts)
    const unpacked = join(resources, 'app.asar.unpacked')
    expect(readdirSync(unpacked).toSorted()).toEqual(['dist', 'node_modules', 'package.json'])
    const own = readdirSync(join(unpacked, 'dist/app/agent'))
    expect(own.filter((name) => !name.endsWith('.js'))).toEqual([])

    const start = (name: string, slots: number) =>
      startAgentProcess({ name, home: join(office.folder, name), slots, program })
    await using head = await start('package-head', 0)
    await using worker = await start('package-worker', 1)
    await pairAll(head, [{ agent: worker, roles: ['work'] }])

    const { folder } = await office.digits(4, 'pictures')
    for (const name of readdirSync(folder))
      await sharp(join(folder, name))
        .jpeg()
        .toFile(join(folder, `${name}.jpg`))
    const pictures = await submitDigits(head, folder, { 'inputs.digits.pattern': '*' })
    const seen = await untilFinal(() => head.client, pictures)
    expect([seen.state, seen.rows, seen.itemsFailed]).toEqual(['Completed', 8, 0])

    const script = 'export const run = (batch: Iterable<any>) => [...batch].map((one) => one.name)'
    await writeFile(join(office.folder, 'names.ts'), script)
    const text = `name: names\nentry_script: ./names.ts\ninputs: { pictures: ${folder} }\n`
    const { id } = await head.client.call('submitJob', {
      body: { text, file: join(office.folder, 'names.yaml'), overrides: {} },
    })
    expect((await untilFinal(() => head.client, id)).state).toBe('Completed')
    const rows = await allRows(head.client, id)
    expect(rows.map(({ value }) => value)).toEqual(readdirSync(folder).toSorted())

    for (const pid of [head, worker].flatMap((agent) => familyOf(agent.pid)))
      expect(readFileSync(`/proc/${pid}/maps`, 'utf8')).not.toContain(repository)
  },
)
