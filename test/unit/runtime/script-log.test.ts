import { existsSync } from 'node:fs'
import { mkdir, mkdtempDisposable, readFile, readdir, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { createScriptLog, sweepScriptLogs } from '#agent/runtime/script/script-log.ts'
import { limits } from '#protocol/limits.ts'

it('a script that prints nothing leaves nothing, one that prints a file', async () => {
  await using temp = await mkdtempDisposable(join(tmpdir(), 'muster-log-'))
  const folder = join(temp.path, 'job')
  const log = createScriptLog(folder, '1-0')
  const stream = new PassThrough()
  log.follow(stream, true)
  expect(existsSync(folder)).toBe(false)
  stream.write('one\n')
  stream.write('two\n')
  await expect.poll(() => log.lastWords()).toBe('one\ntwo\n')
  expect(await readFile(log.path, 'utf8')).toBe('one\ntwo\n')

  for (let i = 0; i < limits.scriptLogsPerJob; i += 1) {
    const more = new PassThrough()
    createScriptLog(folder, `2-${i}`).follow(more, false)
    more.end('x')
    await expect.poll(() => existsSync(join(folder, `2-${i}.log`))).toBe(true)
  }
  expect((await readdir(folder)).length).toBe(limits.scriptLogsPerJob)
})

it('old logs and empty folders go, the rest stays', async () => {
  await using temp = await mkdtempDisposable(join(tmpdir(), 'muster-log-'))
  const now = Date.now()
  for (const name of ['old', 'new', 'empty']) await mkdir(join(temp.path, name))
  for (const name of ['old', 'new']) await writeFile(join(temp.path, name, '1-0.log'), name)
  await writeFile(join(temp.path, 'a file'), 'of somebody')
  const long = new Date(now - limits.scriptLogsMs - 1_000)
  await utimes(join(temp.path, 'old'), long, long)
  sweepScriptLogs(temp.path, now)
  expect((await readdir(temp.path)).toSorted()).toEqual(['a file', 'new'])
  sweepScriptLogs(join(temp.path, 'none'), now)
})
