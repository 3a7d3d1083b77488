import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { IdleRuntime, WorkerProcess } from '#agent/ports/runtime.ts'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { encodePng } from '../support/png.ts'
import { rowsOf } from '../support/rows.ts'
import { createScriptLab, runItems } from '../support/scripts.ts'
import type { ScriptLab } from '../support/scripts.ts'

/** One runtime process, one script after the other. */
let lab: ScriptLab
beforeAll(async () => {
  lab = await createScriptLab()
})
afterAll(() => lab[Symbol.asyncDispose]())

const three = ['a', 'b', 'c']
const runOf = (body: string): string =>
  `export const run = async (miniBatch, context) => { ${body} }`

const leave = async (worker: WorkerProcess): Promise<IdleRuntime> => {
  const idle = await worker.leave?.()
  if (idle === undefined) throw new Error('nothing is left')
  return idle
}

const rows = async (worker: WorkerProcess, items: readonly (string | Uint8Array)[] = three) => {
  const outcome = await runItems(worker, items)
  if (outcome.kind !== 'succeeded') throw new Error(outcome.message)
  return rowsOf(outcome).map((row) => JSON.parse(row) as unknown)
}

const picture = encodePng({ width: 2, height: 1, depth: 8, colour: 0, rows: Uint8Array.of(7, 9) })

/** Frames of the script's own making, past our code in its process. */
const forge = `
  const { writeSync } = await import('node:fs')
  const forge = (words) => {
    const text = Buffer.from(JSON.stringify(words))
    const head = Buffer.alloc(8)
    head.writeUInt32LE(text.length)
    writeSync(3, Buffer.concat([head, text]))
  }`

test('the next script finds the runtime process, and nothing of the script before', async () => {
  const first = await lab.started(
    runOf(`
      globalThis.mark = 'first'
      const image = await context.decodeImages(miniBatch.items[0], { width: 2, height: 1, channels: 'gray' })
      return [process.pid + ' ' + await image.data()]`),
  )
  expect(await rows(first, [picture])).toEqual([expect.stringContaining(' 7,9')])
  const idle = await leave(first)
  expect(idle.pid).toBe(first.pid)
  const second = await lab.started(
    // It asks for the first script's tensor by its number, in place of a call of its own.
    `export const run = async (miniBatch) => {
      ${forge}
      forge({ kind: 'call', call: 1, what: 'data', id: 1 })
      const words = await miniBatch.items[0].bytes().catch((thrown) => thrown.message)
      return [String(globalThis.mark) + ' ' + words]
    }`,
    { idle },
  )
  expect(second.pid).toBe(idle.pid)
  expect(await rows(second, ['a'])).toEqual([
    'undefined This tensor is gone: tensors live until their mini-batch ends, or until release().',
  ])
})

test('words that a script says too late reach nobody', async () => {
  const first = await lab.started(
    runOf(`
      ${forge}
      // Inferences nobody waits for, an answer for the next mini-batch, and half a frame.
      setTimeout(() => {
        for (let call = 1; call < 50; call += 1) forge({ kind: 'call', call, what: 'bytes', at: 0 })
        forge({ kind: 'returned', rows: 3, keys: null })
        writeSync(3, Buffer.alloc(5, 1))
        console.log('said')
      })
      return [1, 2, 3]`),
  )
  expect(await rows(first)).toEqual([1, 2, 3])
  const logs = join(lab.home, 'logs', 'jobs', lab.job)
  const said = async (): Promise<boolean> =>
    (
      await Promise.all((await readdir(logs)).map((one) => readFile(join(logs, one), 'utf8')))
    ).includes('said\n')
  await expect.poll(said).toBe(true)
  const second = await lab.started(
    runOf(`
      const all = []
      for (const item of miniBatch) all.push(Buffer.from(await item.bytes()).toString())
      return all`),
    { idle: await leave(first) },
  )
  expect(second.pid).toBe(first.pid)
  expect([await rows(second), await rows(second, ['x', 'y', 'z'])]).toEqual([
    ['a', 'b', 'c'],
    ['x', 'y', 'z'],
  ])
})

test('a script that ends badly takes the runtime process with it, the second as the first', async () => {
  for (const [body, sentence] of [
    ['process.exit(3)', 'The script score.ts ended its own process (exit code 3)'],
    [
      `(await import('node:fs')).writeSync(3, Buffer.alloc(64, 255)); await new Promise(() => {})`,
      'the entry script wrote into the pipe of its worker process',
    ],
    [
      'const all = []; for (;;) all.push({ a: [1, 2, 3], b: String(all.length) })',
      'The script score.ts ran out of memory: its process may use 128 MiB',
    ],
  ] as const) {
    const first = await lab.started(runOf('return [1]'), { memoryBytes: 2 ** 28 })
    await rows(first)
    const setup = { idle: await leave(first), memoryBytes: 2 ** 28 }
    const second = await lab.started(runOf(body), setup)
    const run = runItems(second, three).catch((thrown: unknown) => thrown)
    expect((await second.exited).message).toContain(sentence)
    expect(await run).toBeInstanceOf(MusterFailure)
    expect(() => process.kill(second.pid, 0)).toThrow('ESRCH')
  }
})

test('killed in the middle of a run, or idle: nothing is left', async () => {
  const first = await lab.started(runOf('return [1]'))
  const second = await lab.started(runOf('for (;;);'), { idle: await leave(first) })
  const run = runItems(second, three).catch((thrown: unknown) => thrown)
  // It may not leave while it runs something.
  expect(await second.leave?.()).toBeUndefined()
  second.kill()
  expect(await second.exited).toMatchObject({ kind: 'killed' })
  expect(await run).toBeInstanceOf(MusterFailure)

  const idle = await leave(await lab.started(runOf('return [1]')))
  idle.kill()
  expect(await idle.exited).toMatchObject({ kind: 'killed' })
  expect(() => process.kill(idle.pid, 0)).toThrow('ESRCH')
})

test('a script whose shutdown() never ends is killed; the next one runs all the same', async () => {
  const stuck = await lab.started(
    `export const run = () => [1]; export const shutdown = () => { for (;;); }`,
  )
  const next = await lab.started(runOf('return [2]'), { idle: await leave(stuck) })
  expect([next.pid, await rows(next, ['a'])]).toEqual([stuck.pid, [2]])
})

test('a script that does not start behind another leaves nothing, and says why', async () => {
  const idle = await leave(await lab.started(runOf('return [1]')))
  const made = await lab.start(
    `export const init = () => { throw new Error('no luck') }; export const run = () => []`,
    { idle },
  )
  expect(made).toMatchObject({
    ok: false,
    error: { message: expect.stringContaining('Error: no luck (score.ts:1)') as string },
  })
  expect(await idle.exited).toMatchObject({ kind: 'killed' })
})

test('a runtime process serves as many scripts as it has pipes, and then ends', async () => {
  let worker = await lab.started(runOf('return [0]'))
  const { pid } = worker
  for (let script = 1; script < limits.scriptsPerRuntime; script += 1)
    worker = await lab.started(
      `${runOf(`return [${script}]`)}
       export const shutdown = async (context) => {
         await new Promise((resolve) => setTimeout(resolve, 200))
         context.logger.info('end of ${script}')
       }`,
      { idle: await leave(worker) },
    )
  expect(worker.pid).toBe(pid)
  expect(await rows(worker, ['a'])).toEqual([limits.scriptsPerRuntime - 1])
  // Whoever lets it go need do nothing more: a process that stays would hold its slot for good.
  expect(await worker.leave?.()).toBeUndefined()
  expect(await worker.exited).toMatchObject({ kind: 'killed' })
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  const logs = join(lab.home, 'logs', 'jobs', lab.job)
  const found = await Promise.all(
    (await readdir(logs)).map((one) => readFile(join(logs, one), 'utf8')),
  )
  expect(found.join('')).toContain(`INFO end of ${limits.scriptsPerRuntime - 1}`)
})
