import { mkdtempDisposable, readdir, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createProcessLogs } from '#agent/data/output/process-logs.ts'
import { createScriptLog } from '#agent/runtime/script/script-log.ts'
import { limits } from '#protocol/limits.ts'
import { asJobId } from '#protocol/model/ids.ts'

const job = asJobId('0'.repeat(26))
const least = limits.scriptLogPartBytes * (limits.scriptLogParts - 1)
const most = limits.scriptLogHeadBytes + limits.scriptLogPartBytes * limits.scriptLogParts

/** Prints as a script does, in chunks that end anywhere, and reads the log as an agent does. */
const printAndRead = async (root: string, printed: Buffer, chunk: number) => {
  const folder = join(root, job)
  const chunks = Array.from({ length: Math.ceil(printed.length / chunk) }, (_, at) =>
    printed.subarray(at * chunk, (at + 1) * chunk),
  )
  const stream = Readable.from(chunks)
  createScriptLog(folder, '7-0').follow(stream, false)
  await finished(stream)
  const logs = createProcessLogs(root)
  const [log] = await logs.list(job)
  if (log === undefined) throw new Error('there is no log')
  const sizes = await Promise.all(
    (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size),
  )
  expect(log).toEqual({ process: 0, startedAt: 7, bytes: sizes.reduce((a, b) => a + b, 0) })
  expect(log.bytes).toBeLessThanOrEqual(most)
  const read = await logs.read(job, log, limits.scriptLogReadBytes)
  return { logs, log, folder, read: Buffer.from(read) }
}

const leftOut = /\n\[(\d+) bytes are left out here: [^\n]*\]\n\n/

test('of a long log the beginning and the end are kept in whole lines, with a line that says how much is between', async () => {
  const lines = fc.record({
    line: fc.constantFrom('x', 'é', '語', '🙂', 'plain text and é', 'y'.repeat(900)),
    total: fc.integer({ min: 1, max: 4 * 2 ** 20 }),
    chunk: fc.integer({ min: 20_000, max: 300_000 }),
  })
  await fc.assert(
    fc.asyncProperty(lines, async ({ line, total, chunk }) => {
      await using temp = await mkdtempDisposable(join(tmpdir(), 'muster-log-'))
      const each = Buffer.byteLength(line) + 9
      const count = Math.ceil(total / each)
      const text = Array.from({ length: count }, (_, at) => `${String(at).padStart(7)} ${line}\n`)
      const printed = Buffer.from(text.join(''))
      const { read } = await printAndRead(temp.path, printed, chunk)
      const [, bytes] = leftOut.exec(read.toString('utf8')) ?? []
      if (bytes === undefined || printed.length <= limits.scriptLogHeadBytes + least) {
        expect(read.equals(printed)).toBe(true)
        return
      }
      const [head = '', , tail = ''] = read.toString('utf8').split(leftOut)
      const [first, last] = [Buffer.byteLength(head), Buffer.byteLength(tail)]
      expect(first + Number(bytes) + last).toBe(printed.length)
      expect(printed.subarray(0, first).toString('utf8')).toBe(head)
      expect(printed.subarray(-last).toString('utf8')).toBe(tail)
      expect(head.endsWith('\n')).toBe(true)
      expect(tail).toMatch(/^ *\d+ /)
      expect(last).toBeGreaterThan(least - limits.scriptLogLineBytes)
    }),
    { numRuns: 12 },
  )
})

test('a line without end is cut between characters', async () => {
  await using temp = await mkdtempDisposable(join(tmpdir(), 'muster-log-'))
  const { read } = await printAndRead(temp.path, Buffer.from(`a${'語'.repeat(2 ** 20)}b`), 65_536)
  expect(read.toString('utf8')).not.toContain('\ufffd')
  expect(read.toString('utf8')).toMatch(/^a語+\n\[\d+ bytes are left out here: .*\]\n\n語+b$/)
})

test('a log is read in its newest bytes, and without parts that went meanwhile', async () => {
  await using temp = await mkdtempDisposable(join(tmpdir(), 'muster-log-'))
  const printed = Buffer.from('some line\n'.repeat(300_000))
  const { logs, log, folder } = await printAndRead(temp.path, printed, 65_536)
  expect(Buffer.from(await logs.read(job, log, 10)).toString('utf8')).toBe('some line\n')
  await unlink(join(folder, '7-0.log'))
  const read = Buffer.from(await logs.read(job, log, limits.scriptLogReadBytes)).toString('utf8')
  expect(read).toMatch(/^\n\[\d+ bytes are left out here/)
  await writeFile(join(folder, '7-0.log.half'), 'of somebody')
  expect((await logs.list(job)).length).toBe(1)
})
