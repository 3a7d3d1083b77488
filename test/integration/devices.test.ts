import { execFile } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Log } from '#agent/ports/log.ts'
import type { RunItem, StartProcess, WorkerProcess } from '#agent/ports/runtime.ts'
import { createDeviceDesk } from '#agent/runtime/devices/desk.ts'
import type { DeviceDesk } from '#agent/runtime/devices/desk.ts'
import { tolerance } from '#agent/runtime/devices/agree.ts'
import { createModelRuntime } from '#agent/runtime/model-runtime.ts'
import type { OnnxJobSpec } from '#protocol/model/job.ts'
import { modelBytes, valueOf, weights, writeModel } from '#test/support/models.ts'
import { encodePng } from '#test/support/png.ts'
import { rowsOf } from '#test/support/rows.ts'
import { createScriptLab } from '#test/support/scripts.ts'
import { onnxSpec } from '#test/support/job-specs.ts'
import { processing } from '#test/support/processing.ts'
import { noVulkan, softwareVulkan, whyNoVulkan } from '#test/support/vulkan.ts'
import { writeDigits } from '../../examples/mnist/digits.ts'

// Real providers in real processes. There is no graphics card where these run: WebGPU computes on a software
// Vulkan driver, and that CUDA has no library is as real as it can be told.

const vulkan = await softwareVulkan()
if (vulkan === undefined) console.warn(whyNoVulkan)
const withDriver = describe.skipIf(vulkan === undefined)
const onLinux = process.platform === 'linux'
const mnist = fileURLToPath(new URL('../../examples/mnist/model/mnist.onnx', import.meta.url))
const crashing = fileURLToPath(new URL('../support/nobody-there.ts', import.meta.url))
const deviceChild = fileURLToPath(new URL('../support/device-child.ts', import.meta.url))

let folder: string
const processes: WorkerProcess[] = []
const desks: DeviceDesk[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-devices-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  const leaving = processes.splice(0)
  for (const child of leaving) child.kill()
  await Promise.all(leaving.map((child) => child.exited))
  for (const desk of desks.splice(0)) await desk[Symbol.asyncDispose]()
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

const use = (environment: Readonly<Record<string, string>> | undefined): void => {
  for (const [name, value] of Object.entries(environment ?? {})) vi.stubEnv(name, value)
}

/** A runtime and what it said of devices. */
const office = (options: { readonly cacheFile?: string; readonly probeProgram?: string } = {}) => {
  const said: string[] = []
  const log: Log = {
    debug: () => {},
    info: (_, fields) => said.push((fields as { message: string }).message),
    warn: () => {},
    error: () => {},
    child: () => log,
  }
  const desk = createDeviceDesk({ log, ...options })
  desks.push(desk)
  return { said, desk, runtime: createModelRuntime({ log, desk }) }
}

const specOf = (device: string, parts: ReturnType<typeof processing>): OnnxJobSpec =>
  onnxSpec(folder, { model: { name: 'm', version: 1, files: [] }, device, ...parts })

type Office = ReturnType<typeof office>

const tryStart = async ({ runtime }: Office, spec: OnnxJobSpec, modelPath: string) => {
  const options: StartProcess = {
    spec,
    modelPath,
    threads: 1,
    memoryBytes: 1024 ** 3,
    signal: new AbortController().signal,
  }
  const started = await runtime.start(options)
  if (started.ok) processes.push(started.value)
  return started
}
const start = async (where: Office, spec: OnnxJobSpec, modelPath: string) => {
  const started = await tryStart(where, spec, modelPath)
  if (!started.ok) throw new Error(`${started.error.message} ${started.error.detail}`)
  return started.value
}

const run = async (child: WorkerProcess, items: readonly RunItem[]) => {
  const outcome = await child.run({ miniBatch: 0, attempt: 1, items })
  if (outcome.kind !== 'succeeded') throw new Error(outcome.message)
  return rowsOf(outcome).map((row) => JSON.parse(row) as Record<string, unknown>)
}

/** A convolution without anything trained: 8 x 8 in, two maps of 6 x 6 out. */
const convolution = async (): Promise<string> =>
  await writeModel(
    join(folder, 'convolution.onnx'),
    modelBytes({
      nodes: [{ opType: 'Conv', input: ['x', 'w'], output: ['y'] }],
      inputs: [valueOf('x', 'float32', ['n', 1, 8, 8])],
      outputs: [valueOf('y', 'float32', ['n', 2, 6, 6])],
      weights: [
        weights(
          'w',
          [2, 1, 3, 3],
          Float32Array.from({ length: 18 }, (_, at) => Math.sin(at)),
        ),
      ],
    }),
  )
const raw = processing({}, { kind: 'raw' })

const noise = (seed: number): Buffer =>
  encodePng({
    width: 8,
    height: 8,
    depth: 8,
    colour: 0,
    rows: Uint8Array.from({ length: 64 }, (_, at) => (at * at * 31 + seed * 97) % 256),
  })
const pictures = (count: number): readonly RunItem[] =>
  Array.from({ length: count }, (_, item) => ({ item, name: `${item}.png`, bytes: noise(item) }))

const digitParts = processing(
  { width: 28, height: 28 },
  { kind: 'softmax', labels: Array.from({ length: 10 }, (_, digit) => String(digit)) },
)
let digits: readonly RunItem[] | undefined
const someDigits = async (): Promise<readonly RunItem[]> => {
  if (digits !== undefined) return digits
  const where = join(folder, 'digits')
  const { names } = await writeDigits({ folder: where, count: 20 })
  digits = names.map((name, item) => ({ item, name, path: join(where, name) }))
  return digits
}

const numbersOf = (row: Record<string, unknown> | undefined): readonly number[] => {
  const scores = row?.['output'] ?? Object.values(row?.['scores'] ?? {})
  return (scores as readonly unknown[]).map(Number)
}

const expectAgreement = (
  got: readonly Record<string, unknown>[],
  due: readonly Record<string, unknown>[],
): void => {
  expect(got.length).toBe(due.length)
  for (const [at, row] of due.entries()) {
    const [wanted, given] = [numbersOf(row), numbersOf(got[at])]
    expect(wanted.length).toBeGreaterThan(1)
    expect(given.length).toBe(wanted.length)
    const allowed = tolerance * Math.max(...wanted.map(Math.abs))
    for (const [index, number] of wanted.entries())
      expect(Math.abs(number - (given[index] ?? NaN))).toBeLessThanOrEqual(allowed)
    expect(got[at]?.['prediction']).toBe(row['prediction'])
  }
}

/** Whether a process has the software driver in its memory: then it really computes there. */
const hasDriver = async ({ pid }: WorkerProcess): Promise<boolean> =>
  (await readFile(`/proc/${pid}/maps`, 'utf8')).includes('libvk_swiftshader')

withDriver('WebGPU on the software Vulkan driver', () => {
  test('is found, and remembered in a file that makes probing needless', async () => {
    use(vulkan)
    const cacheFile = join(folder, 'home', 'cache', 'devices.json')
    const { desk } = office({ cacheFile })
    expect(desk.list()).toEqual(['cpu'])
    expect(await desk.probed()).toEqual(['webgpu', 'cpu'])
    expect(desk.list()).toEqual(['webgpu', 'cpu'])
    expect(await desk.describeDevices()).toContain(
      'webgpu, WebGPU (Vulkan, Direct3D 12 or Metal), works here.',
    )
    expect(await readdir(join(folder, 'home', 'cache'))).toEqual(['devices.json'])
    // A program that is not there: had it been asked, nothing would work.
    const again = office({ cacheFile, probeProgram: crashing })
    expect(await again.desk.probed()).toEqual(['webgpu', 'cpu'])
    // Another driver: what was found no longer counts.
    use(noVulkan)
    const changed = office({ cacheFile, probeProgram: crashing })
    expect(await changed.desk.probed()).toEqual(['cpu'])
  })

  test.each(['webgpu', 'gpu'])('device %s: a convolution as on the processor', async (device) => {
    use(vulkan)
    const where = office()
    const path = await convolution()
    const due = await run(await start(where, specOf('cpu', raw), path), pictures(5))
    const child = await start(where, specOf(device, raw), path)
    expectAgreement(await run(child, pictures(5)), due)
    expect(await hasDriver(child)).toBe(true)
  })

  test('device webgpu: real digits as on the processor', async () => {
    use(vulkan)
    const where = office()
    const items = await someDigits()
    const due = await run(await start(where, specOf('cpu', digitParts), mnist), items)
    const child = await start(where, specOf('webgpu', digitParts), mnist)
    expectAgreement(await run(child, items), due)
    expect(await hasDriver(child)).toBe(true)
  })

  test('device auto: measured on the first mini-batch, the processor wins, told in a sentence', async () => {
    use(vulkan)
    const where = office()
    const items = await someDigits()
    const due = await run(await start(where, specOf('cpu', digitParts), mnist), items)
    const child = await start(where, specOf('auto', digitParts), mnist)
    expect(where.said).toEqual([])
    expect(await run(child, items)).toEqual(due)
    const sentence =
      /^The model "m" version 1 runs on cpu here: webgpu takes [\d.]+ ms a batch where cpu takes [\d.]+ ms\.$/
    expect(where.said).toEqual([expect.stringMatching(sentence)])
    expect(await run(child, items)).toEqual(due)
    // The next process of the job knows: it does not even load the driver.
    const next = await start(where, specOf('auto', digitParts), mnist)
    expect(await run(next, items)).toEqual(due)
    expect([await hasDriver(child), await hasDriver(next)]).toEqual([true, false])
    expect(where.said).toHaveLength(1)
  })

  test('where it is faster the session changes over, for good', async () => {
    const { runs, messages } = await playFaster('3,3,5')
    expect(messages).toEqual([
      'The model "stripes" version 1 runs on webgpu here: webgpu takes 1 ms a batch where cpu takes 10 ms.',
    ])
    expect(runs.map(({ provider }) => provider)).toEqual(['webgpu', 'webgpu', 'webgpu'])
    expect(runs.map(({ items, last }) => [items, bestOf(last)])).toEqual([
      [3, 2],
      [3, 2],
      [5, 2],
    ])
  })

  // Its adapter has no buffers above 1 GiB; on a small machine the processor could not hold it either.
  test.runIf(freemem() > 8 * 1024 ** 3)(
    'a batch that is too large for it: the processor goes on',
    async () => {
      const items = 4_200_000
      const { runs, messages } = await playFaster(`3,${items},5`)
      expect(messages[1]).toMatch(
        /^The model "stripes" version 1 goes on with cpu here: webgpu failed \(.*buffer size.*\)\.$/i,
      )
      expect(runs.map((run) => [run.provider, run.items, bestOf(run.last)])).toEqual([
        ['webgpu', 3, 2],
        ['cpu', items, 2],
        ['cpu', 5, 2],
      ])
    },
  )

  test('an entry script gets it too', async () => {
    use(vulkan)
    await using lab = await createScriptLab()
    const scores = async (device: string) => {
      const child = await lab.started(script, { modelPath: mnist, spec: { device } })
      const rows = await run(child, await someDigits())
      return { child, rows }
    }
    const due = await scores('cpu')
    const got = await scores('webgpu')
    expectAgreement(got.rows, due.rows)
    expect(await hasDriver(got.child)).toBe(true)
  })
})

describe('without a driver', () => {
  test('every provider has its sentence', async () => {
    use(noVulkan)
    const { desk } = office()
    const sentences = await desk.describeDevices()
    expect(sentences.at(-1)).toBe('cpu, the processor, works here.')
    for (const sentence of sentences) expect(sentence).toMatch(/^\w+, [^:]+.*\.$/)
    if (!onLinux) return
    expect(sentences).toEqual([
      'cuda, CUDA (NVIDIA), has no library here: docs/devices.md says how to add it.',
      'webgpu, WebGPU (Vulkan, Direct3D 12 or Metal), finds no adapter: install or update the driver of the graphics card.',
      'tensorrt, TensorRT (NVIDIA), has no library here: docs/devices.md says how to add it.',
      'cpu, the processor, works here.',
    ])
  })

  test.runIf(onLinux).each([
    [
      'gpu',
      'The job asks for the device "gpu", which this machine does not have (cuda has no library here: docs/devices.md says how to add it; webgpu finds no adapter: install or update the driver of the graphics card): use device auto or cpu, or machines that have it.',
    ],
    [
      'webgpu',
      'The job asks for the device "webgpu", which this machine does not have (webgpu finds no adapter: install or update the driver of the graphics card): use device auto or cpu, or machines that have it.',
    ],
    [
      'cuda',
      'The job asks for the device "cuda", which this machine does not have (cuda has no library here: docs/devices.md says how to add it): use device auto or cpu, or machines that have it.',
    ],
    [
      'dml',
      'The job asks for the device "dml", which this machine does not have (there is no such provider on this system): use device auto or cpu, or machines that have it.',
    ],
  ])('device %s is refused in a sentence', async (device, message) => {
    use(noVulkan)
    const started = await tryStart(office(), specOf(device, raw), await convolution())
    expect(started).toMatchObject({ ok: false, error: { code: 'InitFailed', message } })
  })

  test('device auto simply runs, and has nothing to tell', async () => {
    use(noVulkan)
    const where = office()
    const path = await convolution()
    const due = await run(await start(where, specOf('cpu', raw), path), pictures(3))
    expect(await run(await start(where, specOf('auto', raw), path), pictures(3))).toEqual(due)
    if (onLinux) expect(where.said).toEqual([])
  })

  test('a driver that is gone since it was probed: auto says so and runs', async () => {
    use(noVulkan)
    const cacheFile = join(folder, 'stale.json')
    await office({ cacheFile }).desk.probed()
    const cache = JSON.parse(await readFile(cacheFile, 'utf8')) as object
    const facts = [{ provider: 'webgpu' }]
    await writeFile(cacheFile, JSON.stringify({ ...cache, facts }))
    const where = office({ cacheFile })
    const child = await start(where, specOf('auto', raw), await convolution())
    expect(await run(child, pictures(2))).toHaveLength(2)
    expect(where.said).toEqual([
      'The model "m" version 1 runs on cpu here: webgpu finds no adapter: install or update the driver of the graphics card.',
    ])
    const started = await tryStart(where, specOf('gpu', raw), await convolution())
    const message = expect.stringMatching(
      /could not be loaded on the device the job asks for \(webgpu finds no adapter: .*\): use device auto or cpu\.$/,
    ) as string
    expect(started).toMatchObject({ ok: false, error: { code: 'InitFailed', message } })
  })
})

const bestOf = (scores: readonly number[]): number => scores.indexOf(Math.max(...scores))

/** Raw scores of each digit. */
const script = `
export const run = async (miniBatch, context) => {
  const options = { width: 28, height: 28, channels: 'gray', scale: 1 / 255 }
  const images = await context.decodeImages(miniBatch, options)
  const { logits } = await (await context.session()).run(images)
  const numbers = [...(await logits.data())]
  return images.items.map((item, at) => ({ key: item.name, output: numbers.slice(at * 10, at * 10 + 10) }))
}
`

const playFaster = async (sizes: string) => {
  const { stdout } = await promisify(execFile)(process.execPath, [deviceChild, folder, sizes], {
    env: { ...process.env, ...vulkan, ORT_DISABLE_TELEMETRY: '1' },
    timeout: 60_000,
  }).catch((thrown: { readonly stdout: string }) => thrown)
  return JSON.parse(stdout.trim()) as {
    readonly messages: readonly string[]
    readonly runs: readonly {
      readonly provider: string
      readonly items: number
      readonly last: readonly number[]
    }[]
  }
}
