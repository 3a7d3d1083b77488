import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProcessLogs } from '#agent/data/output/process-logs.ts'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { asJobId } from '#protocol/model/ids.ts'
import { repository } from '../../tools/agents.ts'
import { sha256 } from '../support/ledger-fixtures.ts'
import { encodePng } from '../support/png.ts'
import { rowsOf } from '../support/rows.ts'
import { createScriptLab, runItems } from '../support/scripts.ts'
import type { ScriptLab } from '../support/scripts.ts'

let lab: ScriptLab
beforeAll(async () => {
  lab = await createScriptLab()
})
afterAll(() => lab[Symbol.asyncDispose]())

const three = ['a', 'b', 'c']
const runOf = (body: string): string =>
  `export const run = async (miniBatch, context) => { ${body} }`

const logOf = async (process: number): Promise<string> => {
  const logs = createProcessLogs(join(lab.home, 'logs', 'jobs'))
  const job = asJobId(lab.job)
  const log = (await logs.list(job)).find((one) => one.process === process)
  if (log === undefined) throw new Error(`process ${process} has no log`)
  return Buffer.from(await logs.read(job, log, limits.scriptLogReadBytes)).toString('utf8')
}

describe('what a script gets', () => {
  test('items, arguments, environment, files beside it, an output folder and a log', async () => {
    const process = await lab.started(
      `import { readFileSync, writeFileSync } from 'node:fs'
       import { twice } from './lib/twice.ts'
       export const init = async (context) => { context.logger.info('hello', context.workerIndex >= 0) }
       export async function run(miniBatch, context) {
         const beside = readFileSync(new URL('./words.txt', import.meta.url), 'utf8')
         writeFileSync(context.outputDirectory + '/out.txt', 'kept')
         context.logger.debug('not at this level')
         const rows = []
         for (const item of miniBatch) rows.push({
           name: item.name, id: item.id, index: item.index, size: miniBatch.size, batch: miniBatch.index,
           bytes: twice(Buffer.from(await item.bytes()).toString()),
           path: readFileSync(await item.path(), 'utf8'),
           beside, top: context.arguments.top, rest: context.arguments._, quiet: context.arguments.quiet,
           env: process.env.COLOUR, names: Object.keys(process.env).join(), environment: context.environment,
         })
         return rows
       }`,
      {
        beside: {
          'words.txt': 'beside',
          'lib/twice.ts': 'export const twice = (text: string): string => text + text',
        },
        spec: { arguments: ['--top', '5', 'x', '--quiet'], environment: { COLOUR: 'red' } },
      },
    )
    const outcome = await runItems(process, three)
    if (outcome.kind !== 'succeeded') throw new Error(outcome.message)
    expect(outcome.items).toEqual([70, 71, 72])
    expect(JSON.parse(rowsOf(outcome)[1] ?? '')).toMatchObject({
      name: '1.txt',
      id: 71,
      index: 1,
      size: 3,
      batch: 7,
      bytes: 'bb',
      path: 'b',
      beside: 'beside',
      top: '5',
      rest: ['x'],
      quiet: true,
      env: 'red',
      environment: { COLOUR: 'red' },
    })
    expect((JSON.parse(rowsOf(outcome)[1] ?? '') as { names: string }).names.split(',')).toContain(
      'COLOUR',
    )
    expect(outcome.files?.list).toEqual([{ path: 'out.txt', bytes: 4, hash: sha256('kept') }])
    process.kill()
    await process.exited
    const logs = join(lab.home, 'logs', 'jobs', lab.job)
    const [log = ''] = await readdir(logs)
    const text = await readFile(join(logs, log), 'utf8')
    expect(text).toMatch(/INFO hello true\n/)
    expect(text).not.toContain('not at this level')
    const left = await readdir(join(lab.home, 'script-output'))
    expect(left).not.toContain(lab.job)
  })

  test('init() once, run() once for each mini-batch, shutdown() when its process ends in peace', async () => {
    const process = await lab.started(
      `export const init = (context) => context.logger.info('the beginning')
       export const run = (miniBatch, context) => { context.logger.info('a run'); return [] }
       export const shutdown = (context) => context.logger.info('the end')`,
    )
    for (let round = 0; round < 3; round += 1) await runItems(process, three)
    process.kill()
    expect(await process.exited).toMatchObject({ kind: 'killed' })
    const logs = join(lab.home, 'logs', 'jobs', lab.job)
    const found = await Promise.all(
      (await readdir(logs)).map((one) => readFile(join(logs, one), 'utf8')),
    )
    const told = found.find((text) => text.includes('the beginning')) ?? ''
    expect(told.match(/(?<=INFO ).*/g)).toEqual([
      'the beginning',
      'a run',
      'a run',
      'a run',
      'the end',
    ])
  })
})

test('pictures decoded one by one, some ahead of being asked for, are those decoded alone', async () => {
  const picture = (shade: number): Uint8Array =>
    encodePng({ width: 2, height: 1, depth: 8, colour: 0, rows: Uint8Array.of(shade, 255 - shade) })
  const contents = Array.from({ length: 40 }, (_, at) => (at % 9 === 7 ? 'no' : picture(at)))
  const process = await lab.started(
    runOf(`
      const options = { width: 2, height: 1, channels: 'gray' }
      const shade = async (item, more = {}) => {
        try {
          const image = await context.decodeImages(item, { ...options, ...more })
          return [...(await image.data()), ...image.items.map(({ name }) => name)].join()
        } catch (thrown) { return thrown.message }
      }
      const rows = []
      for (const item of miniBatch) rows.push(await shade(item))
      // Out of order, with other options, and side by side.
      rows[5] += ' ' + await shade(miniBatch.items[30]) + ' ' + await shade(miniBatch.items[6], { scale: 2 })
      const again = await Promise.all(miniBatch.items.map((item) => shade(item)))
      rows[0] += again.every((row, at) => at === 0 || at === 5 || row === rows[at])
      return rows`),
  )
  for (let round = 0; round < 2; round += 1) {
    const outcome = await runItems(process, contents)
    if (outcome.kind !== 'succeeded') throw new Error(outcome.message)
    const expected = contents.map((content, at) =>
      typeof content === 'string'
        ? `${at}.txt is not an image that can be read (it begins with "no").`
        : `${at},${255 - at},${at}.txt`,
    )
    expected[5] += ' 30,225,30.txt 12,498,6.txt'
    expected[0] += 'true'
    expect(rowsOf(outcome).map((row) => JSON.parse(row) as string)).toEqual(expected)
  }
})

test('a model run on one picture after the other, some ahead of being asked, gives what it gives alone', async () => {
  const picture = (shade: number): Uint8Array => {
    const rows = Uint8Array.from({ length: 784 }, (_, at) => (at * shade) % 256)
    return encodePng({ width: 28, height: 28, depth: 8, colour: 0, rows })
  }
  const contents = Array.from({ length: 30 }, (_, at) => (at === 13 ? 'no' : picture(at + 1)))
  const process = await lab.started(
    `let model, stale
     const options = { width: 28, height: 28, channels: 'gray', scale: 1 / 255 }
     export const init = async (context) => { model = await context.session() }
     const told = (work) => work().catch((thrown) => thrown.message)
     export const run = async (miniBatch, context) => {
       const alone = (item) => told(async () => {
         const { logits } = await model.run(await context.decodeImages([item], options))
         return [...await logits.data()].join()
       })
       const inRow = async (item) => told(async () => {
         const image = await context.decodeImages(item, options)
         const { logits } = await model.run(image)
         // A handle that came ahead is as good as any other: it can be fed, asked and released.
         if ((await logits.argmax())[0] !== (await logits.topK(1))[0][0].index) return 'wrong'
         const again = item.index % 5 === 4 ? (await model.run(image)).logits : logits
         return [...await again.data()].join()
       })
       const rows = []
       for (const item of miniBatch) rows.push(await inRow(item))
       let same = true
       for (const item of miniBatch)
         if (item.index !== 13 && rows[item.index] !== await alone(item)) same = false
       const released = await told(async () => {
         for (const item of miniBatch.items.slice(0, 8)) {
           const image = await context.decodeImages(item, options)
           if (item.index === 7) image.release()
           await model.run(image)
         }
       })
       const old = stale === undefined ? 'none' : await told(() => model.run(stale))
       for (const item of miniBatch.items.slice(0, 8)) {
         stale = await context.decodeImages(item, options)
         if (item.index < 7) await model.run(stale)
       }
       return rows.map((row, at) => [at === 13 ? row : same, released, old].join('|'))
     }`,
    { modelPath: join(repository, 'examples/mnist/model/mnist.onnx') },
  )
  const gone = 'This tensor is gone: tensors live until their mini-batch ends, or until release().'
  for (const old of ['none', gone]) {
    const outcome = await runItems(process, contents)
    if (outcome.kind !== 'succeeded') throw new Error(outcome.message)
    const rows = rowsOf(outcome).map((row) => JSON.parse(row) as string)
    expect(rows.filter((row) => row !== `true|${gone}|${old}`)).toEqual([
      `13.txt is not an image that can be read (it begins with "no").|${gone}|${old}`,
    ])
  }
})

describe('what a script may return', () => {
  test.each([
    ['typed array', 'return new Float32Array([1, 2, 3])', ['1', '2', '3']],
    ['texts', `return ['x', 'y', 'z']`, ['"x"', '"y"', '"z"']],
    [
      'columns',
      `return { a: [1, 2, 3], b: new BigInt64Array([4n, 5n, 6n]) }`,
      ['{"a":1,"b":4}', '{"a":2,"b":5}', '{"a":3,"b":6}'],
    ],
    [
      'several rows an item by key',
      `return [{ key: '2.txt', n: 1 }, { key: '0.txt', n: 2 }, { key: '2.txt', n: 3 }]`,
      ['{"key":"0.txt","n":2}', '{"key":"2.txt","n":1}', '{"key":"2.txt","n":3}'],
    ],
    [
      'typed arrays, dates and large numbers inside objects',
      `return [{ a: new Float32Array([1.5, NaN]), e: {} }, { b: [new BigInt64Array([4n, 2n ** 60n])], d: new Date(0) }, { n: 5n, o: { 0: 'x' } }]`,
      [
        '{"a":[1.5,null],"e":{}}',
        '{"b":[[4,"1152921504606846976"]],"d":"1970-01-01T00:00:00.000Z"}',
        '{"n":5,"o":{"0":"x"}}',
      ],
    ],
    ['more rows than items', 'return [1, 2, 3, 4, 5]', ['1', '2', '3', '4', '5']],
  ])('%s', async (_, body, rows) => {
    const outcome = await runItems(await lab.started(runOf(body)), three)
    expect(outcome).toMatchObject({ kind: 'succeeded', lines: Buffer.from(rows.join('\n')) })
  })

  test('more rows than items is told once, in the log', async () => {
    const process = await lab.started(runOf('return [1, 2, 3, 4]'))
    for (let round = 0; round < 3; round += 1) await runItems(process, three)
    process.kill()
    await process.exited
    const logs = join(lab.home, 'logs', 'jobs', lab.job)
    const texts = await Promise.all(
      (await readdir(logs)).map((name) => readFile(join(logs, name), 'utf8')),
    )
    const told = texts.flatMap((text) => text.match(/returned 4 elements for 3 items/g) ?? [])
    expect(told).toHaveLength(1)
  })

  test('all that it printed before it was killed stands in the log', async () => {
    const process = await lab.started(
      runOf(
        `for (let i = 0; i < 9000; i++) console.log('line ' + i + ' ' + 'x'.repeat(80)); process.kill(process.pid, 'SIGKILL')`,
      ),
    )
    await expect(runItems(process, three)).rejects.toThrow('was killed')
    await process.exited
    const lines = (await logOf(lab.next() - 1)).split('\n')
    expect(lines.filter((line) => line.startsWith('line '))).toHaveLength(9000)
  })

  test('too few rows: the others failed, and it is said that it is not known which', async () => {
    const outcome = await runItems(await lab.started(runOf('return [1]')), three)
    expect(outcome).toMatchObject({ kind: 'succeeded', items: [70], lines: Buffer.from('1') })
    expect(outcome).toHaveProperty(
      'failures.1.message',
      '2.txt may have failed: the script returned 1 elements for 3 items without keys, so which of them have none is not known.',
    )
  })

  test.each([
    ['nothing', '', 'run() returned nothing: it must return'],
    ['null', 'return null', 'run() returned null: it must return'],
    ['a number', 'return 3', 'run() returned a number: it must return'],
    ['a null element', 'return [1, null, 3]', 'Element 1 of what run() returned is null'],
    ['NaN', 'return [1, NaN]', 'Element 1 of what run() returned is NaN, which JSON does not have'],
    [
      'a map inside',
      'return [{ a: new Map([[1, 2]]) }]',
      'Element 0 of what run() returned holds a Map, which JSON does not have: return a list',
    ],
    ['a function', 'return [() => 1]', 'Element 0 of what run() returned is a function'],
    [
      'a circle',
      'const a = {}; a.a = a; return [a]',
      'Element 0 of what run() returned refers to itself in a circle: return plain data.',
    ],
    [
      'columns of different length',
      'return { a: [1], b: [1, 2] }',
      'columns of different lengths (1, 2)',
    ],
    [
      'ten million rows',
      'return new Float32Array(10_000_000)',
      'run() returned 10000000 rows, more than the 1000000 that one mini-batch may have',
    ],
    ['one giant row', `return ['x'.repeat(2 ** 21)]`, 'characters long as JSON, more than the'],
  ])('refused with a sentence: %s', async (_, body, sentence) => {
    const process = await lab.started(runOf(body))
    const outcome = await runItems(process, three)
    expect(outcome).toMatchObject({
      kind: 'threw',
      message: expect.stringContaining(sentence) as string,
    })
    // The process goes on.
    expect((await runItems(process, three)).kind).toBe('threw')
  })
})

describe('a script that misbehaves', () => {
  test.each([
    [
      'an Error',
      `throw new TypeError('no such\\nthing')`,
      'The script threw in run(): TypeError: no such (score.ts:',
    ],
    ['null', 'throw null', 'The script threw null in run().'],
    ['a text', `throw 'stop'`, 'The script threw "stop" in run().'],
  ])('throws %s in run: the attempt is charged, the process goes on', async (_, body, sentence) => {
    const process = await lab.started(runOf(`if (miniBatch.size === 3) { ${body} }\n return [1]`))
    const outcome = await runItems(process, three)
    expect(outcome).toMatchObject({
      kind: 'threw',
      message: expect.stringContaining(sentence) as string,
    })
    expect(await runItems(process, ['a'])).toMatchObject({
      kind: 'succeeded',
      lines: Buffer.from('1'),
    })
  })

  test.each([
    [
      'throws in init',
      `export const init = () => { throw new Error('no luck') }; export const run = () => []`,
      'The script threw in init(): Error: no luck (score.ts:1).',
    ],
    [
      'throws while it is loaded',
      `export const run = () => []; throw new Error('at once')`,
      'Error: at once',
    ],
    [
      'exits in init',
      `export const init = () => process.exit(3); export const run = () => []`,
      'could not be started because its process ended: The script score.ts ended its own process (exit code 3)',
    ],
    ['has no run', `const a = { }; export default a`, 'The script exports no function "run".'],
  ])('%s: it does not start, and says why', async (_, source, sentence) => {
    const made = await lab.start(source)
    expect(made).toMatchObject({
      ok: false,
      error: { code: 'InitFailed', message: expect.stringContaining(sentence) as string },
    })
  })

  test('never comes back from init: it is stopped when the time is over', async () => {
    const made = await lab.start(
      'export const init = () => { for (;;); }; export const run = () => []',
      { initMs: 1_500 },
    )
    expect(made).toMatchObject({
      error: {
        message:
          'The script score.ts was not ready within 1.5 s: its init() takes too long, or never ends.',
      },
    })
  })

  /** How a process ends on its own, and what the mini-batch it held is told. */
  const endOf = async (body: string, memoryBytes = 2 ** 29) => {
    const process = await lab.started(runOf(body), { memoryBytes })
    const [run, exit] = await Promise.all([
      runItems(process, three).catch((thrown: unknown) => thrown),
      process.exited,
    ])
    expect(run).toBeInstanceOf(MusterFailure)
    return exit
  }

  test.each([
    ['while (true) {}'],
    ['await new Promise(() => {})'],
    ['const b = new Int32Array(new SharedArrayBuffer(4)); Atomics.wait(b, 0, 0)'],
  ])('never returns (%s): SIGKILL ends both processes', async (body) => {
    const process = await lab.started(runOf(body))
    const run = runItems(process, three).catch((thrown: unknown) => thrown)
    setTimeout(process.kill, 300)
    expect(await process.exited).toMatchObject({ kind: 'killed' })
    expect(await run).toBeInstanceOf(MusterFailure)
  })

  test.each([
    [
      'exits',
      'process.exit(0)',
      'crashed',
      'The script score.ts ended its own process (exit code 0) instead of returning.',
    ],
    ['aborts', 'process.abort()', 'crashed', 'The script score.ts crashed (SIGABRT).'],
    [
      'forgets a rejection',
      `Promise.reject(new Error('lost')); await new Promise((r) => setTimeout(r, 5000))`,
      'crashed',
      'by an error that nobody caught: Error: lost.',
    ],
    [
      'writes rubbish into its pipe',
      `(await import('node:fs')).writeSync(3, Buffer.alloc(64, 255)); await new Promise(() => {})`,
      'crashed',
      'the entry script wrote into the pipe of its worker process',
    ],
    [
      'forges frames',
      `const f = Buffer.from('{"kind":"succeeded"}'); const h = Buffer.alloc(8); h.writeUInt32LE(f.length); (await import('node:fs')).writeSync(3, Buffer.concat([h, f])); await new Promise(() => {})`,
      'crashed',
      'out of turn',
    ],
    [
      'closes its pipe',
      `(await import('node:fs')).closeSync(3); await new Promise((r) => setTimeout(r, 2000)); process.exit(5)`,
      'crashed',
      'score.ts',
    ],
  ])('%s: its processes go, and the cause is named', async (_, body, kind, sentence) => {
    const exit = await endOf(body)
    expect(exit.message).toContain(sentence)
    expect(exit.kind).toBe(kind)
  })

  test('eats its heap: named as out of memory', async () => {
    const exit = await endOf(
      'const all = []; for (;;) all.push({ a: [1, 2, 3], b: String(all.length) })',
      2 ** 28,
    )
    expect(exit).toMatchObject({ kind: 'out-of-memory' })
    expect(exit.message).toContain(
      'The script score.ts ran out of memory: its process may use 128 MiB',
    )
  })

  test.skipIf(process.platform !== 'linux')('eats memory outside its heap: named too', async () => {
    const worker = await lab.started(
      runOf('const all = []; for (;;) all.push(Buffer.alloc(2 ** 26, 1))'),
    )
    const outcome = await runItems(worker, three)
    expect(outcome).toMatchObject({
      kind: 'threw',
      message: expect.stringContaining('out of memory') as string,
    })
  })

  test('prints without end: the log is capped, and nothing grows here', async () => {
    const before = process.memoryUsage().rss
    const worker = await lab.started(
      runOf(
        `const text = 'x'.repeat(2 ** 20) + '\\n'
         const print = (stream) => new Promise((done) => stream.write(text, done))
         for (let i = 0; i < 300; i++) await Promise.all([print(process.stdout), print(process.stderr)])
         return [1, 2, 3]`,
      ),
    )
    expect(await runItems(worker, three)).toMatchObject({ kind: 'succeeded' })
    const log = await logOf(lab.next() - 1)
    expect(log.length).toBeLessThan(limits.scriptLogReadBytes)
    expect(log).toMatch(/x\n\[6\d{8} bytes are left out here: .*\]\n\nx+/)
    expect(log.length).toBeGreaterThan(2 ** 20)
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20)
  })
})
