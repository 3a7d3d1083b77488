import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProcessLogs } from '#agent/data/output/process-logs.ts'
import { createRunLogs } from '#agent/data/output/run-logs.ts'
import { asJobId } from '#protocol/model/ids.ts'

const job = asJobId('0'.repeat(26))
let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'muster-logs-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')

describe('the folder of a run', () => {
  test('has whole files or none, and reads their ends', async () => {
    const logs = createRunLogs((id) => join(root, 'outputs', id))
    expect(await logs.list(job)).toEqual([])
    expect(await logs.write(job, 'ben/process-0.log', ['one\n', Buffer.from('two\n')])).toEqual({
      ok: true,
    })
    expect(await logs.write(job, 'overview.txt', [])).toEqual({ ok: true })
    const broken = async function* () {
      yield 'half'
      await Promise.resolve()
      throw new Error('no more')
    }
    expect(await logs.write(job, 'ben/process-0.log', broken())).toMatchObject({ ok: false })
    expect(await logs.list(job)).toEqual([
      { path: 'ben/process-0.log', bytes: 8 },
      { path: 'overview.txt', bytes: 0 },
    ])
    expect(await readdir(join(logs.folder(job), 'ben'))).toEqual(['process-0.log'])
    expect(await readFile(join(logs.folder(job), 'ben/process-0.log'), 'utf8')).toBe('one\ntwo\n')
    expect(textOf(await logs.read(job, 'ben/process-0.log', 4))).toBe('two\n')
    expect(textOf(await logs.read(job, 'ben/process-1.log', 4))).toBe('')
  })
})

test('what an agent that was killed left in the folder of a run goes with the next log', async () => {
  const logs = createRunLogs((id) => join(root, 'left', id))
  let temp = ''
  const looking = async function* () {
    temp = (await readdir(logs.folder(job))).find((name) => name.endsWith('.part')) ?? ''
    yield 'x'
  }
  await logs.write(job, 'overview.txt', looking())
  const { pid } = spawnSync(process.execPath, ['--version'])
  const left = temp.replace(`-${process.pid}-`, `-${pid}-`)
  await writeFile(join(logs.folder(job), left), 'half')
  await logs.write(job, 'overview.txt', ['y'])
  expect(temp).not.toBe(left)
  expect(await readdir(logs.folder(job))).toEqual(['overview.txt'])
})

describe('logs of processes', () => {
  test('are found by process and start; other files are none', async () => {
    const logs = createProcessLogs(join(root, 'logs'))
    expect(await logs.list(job)).toEqual([])
    const folder = join(root, 'logs', job)
    await mkdir(join(folder, '5-0.log'), { recursive: true })
    for (const name of ['20-1.log', '10-1.log', '30-0.log', 'other.log', '1-1.log.part'])
      await writeFile(join(folder, name), name)
    const found = await logs.list(job)
    expect(found.map(({ process, startedAt }) => [process, startedAt])).toEqual([
      [0, 30],
      [1, 10],
      [1, 20],
    ])
    const [first] = found
    expect(first).toMatchObject({ bytes: 8 })
    if (first !== undefined) expect(textOf(await logs.read(job, first, 5))).toBe('0.log')
    const gone = { process: 7, startedAt: 1, bytes: 3 }
    expect(textOf(await logs.read(job, gone, 5))).toBe('')
  })
})
