import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Log } from '#agent/ports/log.ts'
import type { RunItem, RunOutcome, StartProcess, WorkerProcess } from '#agent/ports/runtime.ts'
import { createModelRuntime } from '#agent/runtime/model-runtime.ts'
import { MusterFailure } from '#protocol/errors.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import {
  contradictoryModel,
  identityModel,
  meanPictureModel,
  operatorModel,
  stripeClassifier,
  stripeWeights,
  twoInputModel,
  writeModel,
} from '#test/support/models.ts'
import type { ClassifierOptions } from '#test/support/models.ts'
import { encodePng } from '#test/support/png.ts'
import { onnxSpec } from '#test/support/job-specs.ts'
import { processing } from '#test/support/processing.ts'
import { rowsOf } from '#test/support/rows.ts'
import { writeDigits } from '../../examples/mnist/digits.ts'

type OnnxSpec = Extract<JobSpec, { runtime: 'onnx' }>

const silent: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silent,
}
const runtime = createModelRuntime({ log: silent })
const mnist = fileURLToPath(new URL('../../examples/mnist/model/mnist.onnx', import.meta.url))
const onLinux = process.platform === 'linux'

let folder: string
const started: WorkerProcess[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-runtime-'))
})
afterEach(async () => {
  const leaving = started.splice(0)
  for (const child of leaving) child.kill()
  await Promise.all(leaving.map((child) => child.exited))
  for (const child of leaving) expect(isAlive(child.pid)).toBe(false)
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** An orphan that has ended stays a zombie until the system's first process collects it: that is dead. */
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return !onLinux || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

const jobSpec = (parts: ReturnType<typeof processing>, device = 'cpu'): OnnxSpec =>
  onnxSpec(folder, { device, ...parts })

const tryStart = (modelPath: string, change: Partial<StartProcess> = {}) =>
  runtime.start({
    spec: jobSpec(processing()),
    modelPath,
    threads: 1,
    memoryBytes: 1024 ** 3,
    signal: new AbortController().signal,
    ...change,
  })

const start = async (
  modelPath: string,
  change: Partial<StartProcess> = {},
): Promise<WorkerProcess> => {
  const result = await tryStart(modelPath, change)
  if (!result.ok) throw new Error(`${result.error.message} ${result.error.detail}`)
  started.push(result.value)
  return result.value
}

let models = 0
const put = (bytes: Uint8Array): Promise<string> => {
  models += 1
  return writeModel(join(folder, `${models}.onnx`), bytes)
}
const startStripes = async (options: ClassifierOptions = {}, change: Partial<StartProcess> = {}) =>
  await start(await put(stripeClassifier(options)), change)

/** A picture of 8 x 8 whose stretch `k` of four is white: `stripeClassifier` says k. */
const stripe = (k: number): Buffer =>
  encodePng({
    width: 8,
    height: 8,
    depth: 8,
    colour: 0,
    rows: Uint8Array.from({ length: 64 }, (_, at) => (Math.floor(at / 16) === k ? 255 : 0)),
  })

const bytesItems = (pictures: readonly Uint8Array[], first = 0): RunItem[] =>
  pictures.map((bytes, at) => ({ item: first + at, name: `${first + at}.png`, bytes }))

const run = (child: WorkerProcess, items: readonly RunItem[], miniBatch = 0): Promise<RunOutcome> =>
  child.run({ miniBatch, attempt: 1, items })

const succeeded = async (outcome: Promise<RunOutcome>) => {
  const done = await outcome
  if (done.kind !== 'succeeded') throw new Error(done.message)
  const rows = rowsOf(done)
  return { ...done, rows, values: rows.map((row) => JSON.parse(row) as Record<string, unknown>) }
}
const predictions = async (outcome: Promise<RunOutcome>) =>
  (await succeeded(outcome)).values.map((row) => row['prediction'])

/** Long enough to be interrupted: some seconds. */
const slow = { size: 1500, rounds: 60 }

describe('real digits', () => {
  const count = 200
  const spec = jobSpec(
    processing(
      { width: 28, height: 28 },
      { softmax: true, labels: Array.from({ length: 10 }, (_, digit) => String(digit)) },
    ),
  )

  test('200 digits as paths and as bytes: the same rows, at least 97 % right', async () => {
    const digits = join(folder, 'digits')
    const { names, labels } = await writeDigits({ folder: digits, count })
    const child = await start(mnist, { spec })
    const paths = names.map((name, item) => ({ item, name, path: join(digits, name) }))
    const bytes = await Promise.all(
      names.map(async (name, item) => ({ item, name, bytes: await readFile(join(digits, name)) })),
    )
    const [fromPaths, fromBytes] = await Promise.all([
      succeeded(run(child, paths, 1)),
      succeeded(run(child, bytes, 2)),
    ])
    expect(fromPaths.failures).toEqual([])
    expect(fromPaths.rows).toEqual(fromBytes.rows)
    expect(fromPaths.items).toEqual(labels.map((_, item) => item))
    expect(fromPaths.runMs).toBeGreaterThan(0)
    const right = fromPaths.values.filter((row, item) => row['prediction'] === String(labels[item]))
    expect(right.length).toBeGreaterThanOrEqual(0.97 * count)
    expect(Object.keys(fromPaths.values[0] ?? {})).toEqual(['item', 'prediction', 'score'])
    expect(fromPaths.values[7]).toMatchObject({ item: '00007.png' })
  })
})

describe('batches', () => {
  test('a fixed batch is filled up and repeated, an open one takes all at once', async () => {
    const pictures = [0, 1, 2, 3, 2, 1, 0].map(stripe)
    for (const batch of ['n', 1, 3, 16]) {
      const child = await startStripes({ batch })
      expect(await predictions(run(child, bytesItems(pictures)))).toEqual([0, 1, 2, 3, 2, 1, 0])
      // A smaller batch after a larger one: nothing of the earlier is left in the tensor.
      expect(await predictions(run(child, bytesItems([stripe(3)])))).toEqual([3])
    }
  })

  test('colour, the other layout, bytes as input', async () => {
    const shape = { channels: 3, layout: 'NHWC' } as const
    const rgb = await startStripes(shape, {
      spec: jobSpec(processing({ channels: 'rgb', layout: 'NHWC' })),
    })
    expect(await predictions(run(rgb, bytesItems([2, 1].map(stripe))))).toEqual([2, 1])
    const raw = await start(await put(identityModel('uint8', ['n', 1, 8, 8])), {
      spec: jobSpec(processing({ dtype: 'uint8', scale: 1 }, { kind: 'raw' })),
    })
    const { values } = await succeeded(run(raw, bytesItems([stripe(0)])))
    expect(values[0]).toMatchObject({ item: '0.png', shape: [1, 8, 8] })
    const numbers = Array.from({ length: 64 }, (_, at) => (at < 16 ? 255 : 0))
    expect(values[0]).toMatchObject({ output: numbers })
  })

  test('pictures for both decoders in one mini-batch keep their rows', async () => {
    const child = await startStripes({}, { threads: 2 })
    const large = async (k: number) =>
      await sharp(stripe(k)).resize(160, 160, { kernel: 'nearest' }).jpeg().toBuffer()
    const pictures = [await large(3), stripe(0), await large(1), await large(2), stripe(1)]
    expect(await predictions(run(child, bytesItems(pictures)))).toEqual([3, 0, 1, 2, 1])
  })

  test('mini-batches are answered in the order they were asked, also large ones', async () => {
    const child = await startStripes()
    const noise = Buffer.from(
      Uint8Array.from({ length: 1500 * 1500 * 3 }, (_, at) => (at * at) % 251),
    )
    const heavy = await sharp(noise, { raw: { width: 1500, height: 1500, channels: 3 } })
      .png({ compressionLevel: 0 })
      .toBuffer()
    expect(heavy.length).toBeGreaterThan(5_000_000)
    const order: number[] = []
    await Promise.all(
      Array.from({ length: 12 }, async (_, k) => {
        const items = bytesItems(k % 4 === 1 ? [heavy, heavy] : [stripe(k % 4)], k * 10)
        const outcome = await succeeded(run(child, items, k))
        expect(outcome.items).toEqual(items.map(({ item }) => item))
        order.push(k)
      }),
    )
    expect(order).toEqual(Array.from({ length: 12 }, (_, k) => k))
  })

  test('no items at all, and none that can be read', async () => {
    const child = await startStripes()
    expect(await succeeded(run(child, []))).toMatchObject({ items: [], rows: [], failures: [] })
    const outcome = await succeeded(run(child, [{ item: 4, name: 'a', problem: 'vanished' }]))
    expect(outcome).toMatchObject({
      rows: [],
      failures: [{ item: 4, name: 'a', message: 'a vanished.' }],
    })
  })
})

describe('bad items fail alone, in a sentence', () => {
  test('and the others have their rows', async () => {
    const child = await startStripes()
    const file = async (name: string, bytes: Uint8Array): Promise<RunItem> => {
      await writeFile(join(folder, name), bytes)
      return { item: 0, name, path: join(folder, name) }
    }
    const png = stripe(2)
    const bomb = encodePng({
      width: 65_000,
      height: 65_000,
      depth: 8,
      colour: 0,
      rows: new Uint8Array(),
      data: png,
    })
    execFileSync('mkfifo', [join(folder, 'pipe.png')])
    await symlink(join(folder, 'nowhere'), join(folder, 'dangling.png'))
    const items: RunItem[] = [
      await file('good.png', png),
      await file('text.png', Buffer.from('hello, I am text')),
      await file('zero.png', new Uint8Array()),
      await file('cut.png', png.subarray(0, png.length - 20)),
      await file('bomb.png', bomb),
      { item: 0, name: 'gone.png', path: join(folder, 'gone.png') },
      { item: 0, name: 'dangling.png', path: join(folder, 'dangling.png') },
      { item: 0, name: 'folder.png', path: folder },
      { item: 0, name: 'pipe.png', path: join(folder, 'pipe.png') },
      { item: 0, name: 'changed.png', problem: 'The file changed.png was changed after the plan.' },
      { item: 0, name: 'late.png', problem: 'cannot be had from its peer' },
      { item: 0, name: 'short.png', problem: '"short.png" became shorter while it was read.' },
      await file('good2.png', stripe(1)),
    ].map((item, at) => ({ ...item, item: 100 + at }))
    const outcome = await succeeded(run(child, items))
    expect(outcome.items).toEqual([100, 112])
    expect(outcome.values.map((row) => row['prediction'])).toEqual([2, 1])
    expect(outcome.failures.map((failure) => failure.item)).toEqual([
      101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
    ])
    const messages = outcome.failures.map((failure) => failure.message)
    expect(messages[0]).toBe(
      'text.png is not an image that can be read (it begins with "hello, I ").',
    )
    expect(messages[1]).toBe('zero.png is empty (0 bytes).')
    expect(messages[2]).toContain('cut.png is a PNG picture that is cut off')
    expect(messages[3]).toContain('bomb.png is a PNG picture of 65000 x 65000 pixels, more than')
    expect(messages[4]).toContain('gone.png cannot be opened: it is not there any more')
    expect(messages[8]).toBe('The file changed.png was changed after the plan.')
    expect(messages[10]).toBe('"short.png" became shorter while it was read.')
    for (const { name, message } of outcome.failures) {
      expect(message).toContain(name)
      expect(message).toMatch(/^[^\n]+\.$/)
    }
  })
})

describe('a model that cannot be used', () => {
  const refused = async (modelPath: string, change: Partial<StartProcess> = {}) => {
    const result = await tryStart(modelPath, change)
    if (result.ok) {
      started.push(result.value)
      throw new Error('it was started')
    }
    expect(result.error.message).toMatch(/^[^\n]+\.$/)
    return result.error
  }

  test('custom operators and escaping data never reach a process', async () => {
    expect(await refused(await put(operatorModel('com.acme', 'Frob')))).toMatchObject({
      code: 'ModelRefused',
    })
    const escaping = await put(stripeClassifier({ external: '../secret' }))
    expect(await refused(escaping)).toMatchObject({ code: 'ModelRefused' })
  })

  test('what only ONNX Runtime can know is told in words, its own in the detail', async () => {
    const operator = await refused(await put(operatorModel('', 'Nonsense')))
    expect(operator).toMatchObject({ code: 'InitFailed' })
    expect(operator.message).toMatch(
      /The model "stripes" version 3 could not be loaded: .*"Nonsense"/,
    )
    expect(operator.detail).toContain('Nonsense')
    const shapes = await refused(await put(contradictoryModel()))
    expect(shapes).toMatchObject({ code: 'InitFailed' })
    expect(shapes.message).toContain('contradict')
    expect(shapes.detail).toContain('Incompatible dimensions')
  })

  test('too large for its memory: both figures', async () => {
    const modelPath = await put(stripeClassifier())
    const error = await refused(modelPath, { memoryBytes: 100 * 2 ** 20 })
    expect(error.code).toBe('ModelTooLarge')
    expect(error.message).toMatch(/needs about 150 MiB.*may use 100 MiB/)
  })

  test('misfits, unknown devices and aborts end before or with the process', async () => {
    const modelPath = await put(stripeClassifier())
    const spec = jobSpec(processing({ width: 9 }))
    expect(await refused(modelPath, { spec })).toMatchObject({ code: 'ModelMismatch' })
    const gpu = await refused(modelPath, { spec: jobSpec(processing(), 'cuda') })
    expect(gpu).toMatchObject({ code: 'InitFailed' })
    expect(gpu.message).toContain('"cuda"')
    expect(await refused(modelPath, { signal: AbortSignal.abort() })).toMatchObject({
      code: 'Aborted',
    })
    const abort = new AbortController()
    const starting = refused(modelPath, { signal: abort.signal })
    abort.abort()
    expect(await starting).toMatchObject({ code: 'Aborted' })
    const hasty = createModelRuntime({ log: silent, initMs: 1 })
    const { signal } = new AbortController()
    const late = await hasty.start({
      spec: jobSpec(processing()),
      modelPath,
      threads: 1,
      memoryBytes: 2 ** 30,
      signal,
    })
    expect(late).toMatchObject({ ok: false, error: { code: 'InitFailed' } })
  })

  test('external data beside the model are loaded', async () => {
    const modelPath = await put(stripeClassifier({ external: 'stripes.bin' }))
    await writeFile(join(folder, 'stripes.bin'), new Uint8Array(stripeWeights(64, 4).buffer))
    const child = await start(modelPath)
    expect(await predictions(run(child, bytesItems([stripe(3)])))).toEqual([3])
  })

  test('an output that does not follow the batch is a sentence, not wrong rows', async () => {
    const child = await start(await put(meanPictureModel()), {
      spec: jobSpec(processing({}, { kind: 'raw' })),
    })
    const outcome = await run(child, bytesItems([stripe(0), stripe(1)]))
    expect(outcome.kind === 'threw' && outcome.message).toMatch(/"y" is \[1, 1, 8, 8\].*2 items/)
    // The process goes on.
    expect((await succeeded(run(child, bytesItems([stripe(0)])))).rows).toHaveLength(1)
  })

  test('two inputs cannot both be fed', async () => {
    const error = await refused(await put(twoInputModel()))
    expect(error).toMatchObject({ code: 'ModelMismatch' })
    expect(error.message).toContain('"left", "right"')
  })
})

describe('the end of a process', () => {
  const died = async (outcome: Promise<RunOutcome>) => {
    const error = await outcome.then(
      () => undefined,
      (thrown: unknown) => (thrown instanceof MusterFailure ? thrown.error : undefined),
    )
    expect(error).toMatchObject({ code: 'ProcessDied', retryable: true })
    return error
  }

  test('kill during a run: at once, and nothing that waits is forgotten', async () => {
    const child = await startStripes({ slow })
    const waiting = [0, 1, 2].map((k) => died(run(child, bytesItems([stripe(k)]), k)))
    await untilBusy(child.pid)
    const before = performance.now()
    child.kill()
    child.kill()
    const exit = await child.exited
    expect(performance.now() - before).toBeLessThan(1000)
    expect(exit).toMatchObject({ kind: 'killed' })
    await Promise.all(waiting)
    await died(run(child, bytesItems([stripe(0)])))
  })

  test("somebody else's kill -9 during a run is taken for a lack of memory", async () => {
    const child = await startStripes({ slow })
    const waiting = died(run(child, bytesItems([stripe(0)])))
    await untilBusy(child.pid)
    process.kill(child.pid, 'SIGKILL')
    expect(await child.exited).toMatchObject({ kind: 'out-of-memory' })
    expect((await waiting)?.message).toContain('memory')
  })

  test('a crash is told with its signal', async () => {
    const child = await startStripes()
    process.kill(child.pid, 'SIGSEGV')
    const exit = await child.exited
    expect(exit.kind).toBe('crashed')
    expect(exit.message).toContain('SIGSEGV')
  })

  test.for([
    { state: 'idle', wait: async () => {} },
    { state: 'in the middle of a run', wait: async (pid: number) => await untilBusy(pid) },
  ])('it dies with its agent: $state', async ({ state, wait }) => {
    const modelPath = await put(stripeClassifier(state === 'idle' ? {} : { slow }))
    const agent = spawn(
      process.execPath,
      [fileURLToPath(new URL('../support/runtime-owner.ts', import.meta.url)), modelPath],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const [text] = (await once(agent.stdout, 'data')) as [Buffer]
    const pid = Number(text.toString())
    expect(isAlive(pid)).toBe(true)
    await wait(pid)
    agent.kill('SIGKILL')
    await expect.poll(() => isAlive(pid), { timeout: 2000, interval: 10 }).toBe(false)
  })
})

describe('a good guest', () => {
  test.runIf(onLinux)('every thread has the lowest priority', async () => {
    const child = await startStripes({ slow: { size: 200, rounds: 5 } }, { threads: 2 })
    const photo = await sharp(stripe(1)).resize(300, 300).jpeg().toBuffer()
    await succeeded(run(child, bytesItems([stripe(0), photo])))
    const nice = readdirSync(`/proc/${child.pid}/task`).map((thread) => {
      const fields = readFileSync(`/proc/${child.pid}/task/${thread}/stat`, 'latin1').split(') ')[1]
      return Number(fields?.split(' ')[16])
    })
    expect(nice.length).toBeGreaterThan(4)
    expect(new Set(nice)).toEqual(new Set([19]))
  })

  test('compiled code is kept only in the folder it is given, and used again', async () => {
    const cacheFolder = join(folder, 'compiled')
    const cached = createModelRuntime({ log: silent, cacheFolder })
    const modelPath = await put(stripeClassifier())
    for (const k of [0, 1, 2]) {
      const result = await cached.start({
        spec: jobSpec(processing()),
        modelPath,
        threads: 1,
        memoryBytes: 2 ** 30,
        signal: new AbortController().signal,
      })
      if (!result.ok) throw new Error(result.error.message)
      started.push(result.value)
      expect(await predictions(run(result.value, bytesItems([stripe(k)])))).toEqual([k])
    }
    expect(readdirSync(cacheFolder, { recursive: true }).length).toBeGreaterThan(10)
  })

  test.runIf(onLinux)('the environment holds nothing of the agent', async () => {
    process.env['MUSTER_TEST_SECRET'] = 'do not tell'
    const child = await startStripes()
    delete process.env['MUSTER_TEST_SECRET']
    const environment = readFileSync(`/proc/${child.pid}/environ`, 'latin1')
    expect(environment).toContain('ORT_DISABLE_TELEMETRY=1')
    expect(environment).not.toContain('MUSTER_TEST_SECRET')
  })

  test.runIf(onLinux)('no telemetry is written, which a bare runtime does', async () => {
    const home = join(folder, 'home')
    const written = join(home, '.cache/Microsoft/DeveloperTools')
    const modelPath = await put(stripeClassifier())
    const owner = spawn(
      process.execPath,
      [fileURLToPath(new URL('../support/runtime-owner.ts', import.meta.url)), modelPath],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { HOME: home } },
    )
    const [text] = (await once(owner.stdout, 'data')) as [Buffer]
    owner.kill('SIGKILL')
    await expect.poll(() => isAlive(Number(text.toString())), { timeout: 2000 }).toBe(false)
    expect(existsSync(written)).toBe(false)
    // The same model without the switch: if this stops writing, the check above checks nothing.
    const bare = `const { InferenceSession } = require('onnxruntime-node')
      InferenceSession.create(${JSON.stringify(modelPath)}).then(() => process.exit(0))`
    execFileSync(process.execPath, ['-e', bare], { env: { HOME: home } })
    expect(existsSync(written)).toBe(true)
  })
})

/** Resolves when the process has used a tenth of a second of processor time since the call. */
const untilBusy = async (pid: number): Promise<void> => {
  const ticks = (): number => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
    return Number(fields[11]) + Number(fields[12])
  }
  const before = ticks()
  await expect.poll(() => ticks() - before, { timeout: 20_000, interval: 10 }).toBeGreaterThan(10)
}
