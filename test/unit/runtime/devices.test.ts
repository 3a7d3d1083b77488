import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { ProcessExit, WorkerProcess } from '#agent/ports/runtime.ts'
import { disagreement } from '#agent/runtime/devices/agree.ts'
import { describeFacts, explainProvider } from '#agent/runtime/devices/explain.ts'
import { measure } from '#agent/runtime/devices/measure.ts'
import type { Contender, Outputs } from '#agent/runtime/devices/measure.ts'
import { probeProviders } from '#agent/runtime/devices/probe.ts'
import { onProcessor } from '#agent/runtime/devices/providers.ts'
import type { DevicePlan } from '#agent/runtime/devices/providers.ts'
import { createSeats } from '#agent/runtime/devices/seats.ts'
import { convolution } from '#agent/runtime/devices/try-provider.ts'
import { musterError } from '#protocol/errors.ts'
import { modelBytes, valueOf, weights } from '#test/support/models.ts'

const never = new AbortController().signal
const program = fileURLToPath(new URL('../../support/broken-driver-child.ts', import.meta.url))

test('the model that probes is the convolution it says it is', () => {
  const bytes = modelBytes({
    nodes: [{ opType: 'Conv', input: ['x', 'w'], output: ['y'] }],
    inputs: [valueOf('x', 'float32', [1, 1, 4, 4])],
    outputs: [valueOf('y', 'float32', [1, 1, 2, 2])],
    weights: [
      weights(
        'w',
        [1, 1, 3, 3],
        Float32Array.from({ length: 9 }, (_, at) => at + 1),
      ),
    ],
  })
  expect(Buffer.from(bytes).toString('base64')).toBe(convolution)
})

test('the processor computes what is due', async () => {
  expect(await probeProviders({ providers: ['cpu'], signal: never })).toEqual([{ provider: 'cpu' }])
})

test('a driver that crashes, hangs or throws is told, and the next is tried', async () => {
  const providers = ['cuda', 'dml', 'coreml', 'webgpu'] as const
  const facts = await probeProviders({ providers, signal: never, program, timeoutMs: 3_000 })
  expect(describeFacts(facts)).toEqual([
    'cuda, CUDA (NVIDIA), crashes its process (SIGSEGV): update the driver of the graphics card.',
    'dml, DirectML (Windows), did not answer within 3 s.',
    'coreml, Core ML (Apple), fails: the neural engine is asleep.',
    'webgpu, WebGPU (Vulkan, Direct3D 12 or Metal), works here.',
  ])
  expect(facts.map(({ passing }) => passing ?? false)).toEqual([false, true, false, false])
})

test('probing ends when it is aborted', async () => {
  const aborting = new AbortController()
  const probed = probeProviders({ providers: ['dml'], signal: aborting.signal, program })
  aborting.abort()
  expect(await probed).toEqual([])
})

test('the words of ONNX Runtime become words for people', () => {
  const told = {
    'no available backend found. ERR: [dml] backend not found.':
      'is not part of ONNX Runtime on this system',
    'Failed to load shared library': 'has no library here: docs/devices.md says how to add it',
    'Failed to get a WebGPU adapter: No supported adapters':
      'finds no adapter: install or update the driver of the graphics card',
    'CUDA failure 35: CUDA driver version is insufficient':
      'cannot use the NVIDIA card: install or update its driver, CUDA 12 and cuDNN 9',
  }
  for (const [words, problem] of Object.entries(told)) expect(explainProvider(words)).toBe(problem)
})

const floats = (...data: number[]) => ({
  type: 'float32',
  dims: [2, data.length / 2],
  data: Float32Array.from(data),
})

test('outputs agree within a thousandth of the largest number', () => {
  const due = floats(1, 2, -100, 0)
  expect(disagreement(due, floats(1.09, 1.91, -100.09, 0.09), false)).toBeUndefined()
  expect(disagreement(due, floats(1.2, 2, -100, 0), false)).toBe(
    'gives 1.20000 where 1.00000 is due',
  )
  expect(disagreement(due, { ...due, dims: [1, 4] }, false)).toMatch(/^gives float32 \[1, 4\]/)
})

test('numbers that are none must be the same', () => {
  const due = floats(NaN, Infinity, 1, 0)
  expect(disagreement(due, due, false)).toBeUndefined()
  expect(disagreement(due, floats(0, Infinity, 1, 0), false)).toMatch(/^gives 0\.0+ where NaN/)
  expect(disagreement(due, floats(NaN, -Infinity, 1, 0), false)).toMatch(/^gives -Infinity/)
  expect(disagreement(floats(1, 2, 3, 4), floats(1, 2, NaN, 4), false)).toMatch(/^gives NaN/)
})

test('classes: a hundredth is enough, but the best of each item must be the same', () => {
  const due = floats(1, 0.5, 0.995, 1)
  expect(disagreement(due, floats(1.009, 0.5, 0.995, 1), true)).toBeUndefined()
  expect(disagreement(due, floats(1.009, 0.5, 0.995, 1), false)).toMatch(/^gives 1\.009/)
  expect(disagreement(due, floats(1, 0.5, 1, 0.995), true)).toBe('gives class 0 where 1 is due')
})

test('whole numbers and texts must be the very same', () => {
  const due = { type: 'int64', dims: [2], data: BigInt64Array.of(1n, 2n) }
  expect(disagreement(due, { ...due, data: BigInt64Array.of(1n, 2n) }, true)).toBeUndefined()
  expect(disagreement(due, { ...due, data: BigInt64Array.of(1n, 3n) }, true)).toBe(
    'gives 3 where 2 is due',
  )
  const texts = { type: 'string', dims: [1], data: ['a'] }
  expect(disagreement(texts, { ...texts, data: ['b'] }, true)).toBe('gives b where a is due')
})

const contender = (
  provider: Contender<Outputs>['provider'],
  ...data: number[]
): Contender<Outputs> => ({
  provider,
  run: async () => ({ y: floats(...data) }),
})

test('the fastest of those that agree is chosen, and the reasons name the others', async () => {
  const ms = { cpu: 10, cuda: 1, webgpu: 4, coreml: 9.5, dml: 2, tensorrt: 0 }
  const timeOf = async ({ provider }: Contender<Outputs>) => ms[provider]
  const broken: Contender<Outputs> = {
    provider: 'dml',
    run: async () => {
      throw new Error('the device was removed')
    },
  }
  const others = [contender('cuda', 1, 3), contender('webgpu', 1, 2), broken]
  const verdict = await measure(contender('cpu', 1, 2), others, { classes: false, timeOf })
  expect(verdict).toMatchObject({
    provider: 'webgpu',
    reason:
      'cuda gives 3.00000 where 2.00000 is due, webgpu takes 4 ms a batch where cpu takes 10 ms, dml fails: the device was removed',
  })
  const slightly = [contender('coreml', 1, 2)]
  const kept = await measure(contender('cpu', 1, 2), slightly, { classes: false, timeOf })
  expect(kept.provider).toBe('cpu')
})

test('the clock is a real one unless told otherwise', async () => {
  let runs = 0
  const spin = (rounds: number) => async () => {
    runs += 1
    let sum = 0
    for (let at = 0; at < rounds; at += 1) sum += Math.sqrt(at)
    return { y: floats(sum > 0 ? 1 : 0, 2) }
  }
  const slow = { provider: 'cpu', run: spin(20_000_000) } as const
  const fast = { provider: 'webgpu', run: spin(1_000) } as const
  expect((await measure<Outputs>(slow, [fast], { classes: true })).provider).toBe('webgpu')
  expect(runs).toBeGreaterThanOrEqual(6)
})

const office = () => {
  const said: string[] = []
  const seats = createSeats({
    model: 'The model "m" version 1',
    candidates: ['cuda', 'webgpu'],
    say: (message) => said.push(message),
  })
  const open = () => {
    const seat = seats.take()
    const plans: DevicePlan[] = []
    const exit = Promise.withResolvers<ProcessExit>()
    const process: WorkerProcess = {
      pid: 1,
      run: () => Promise.withResolvers<never>().promise,
      kill: () => {},
      exited: exit.promise,
    }
    const opened = seat.opened(process, (plan) => plans.push(plan))
    const end = async (kind: ProcessExit['kind']) => {
      exit.resolve({ kind, message: '' })
      await exit.promise
    }
    return { seat, plans, opened, end }
  }
  return { said, open, seats }
}
const all: DevicePlan = { kind: 'measure', candidates: ['cuda', 'webgpu'] }
const webgpu: DevicePlan = { kind: 'measure', candidates: ['webgpu'] }
const request = { miniBatch: 0 as never, attempt: 1, items: [] }

test('one process measures; the others wait on the processor, then try the winner', () => {
  const { open, said } = office()
  const [first, second] = [open(), open()]
  expect([first.seat.plan, second.seat.plan]).toEqual([all, onProcessor])
  expect(second.plans).toEqual([])
  first.seat.heard({ provider: 'webgpu', message: 'It runs on webgpu.' })
  expect([first.plans, second.plans]).toEqual([[], [webgpu]])
  expect(open().seat.plan).toEqual(webgpu)
  expect(said).toEqual(['It runs on webgpu.'])
})

test('the processor chosen: nobody measures again', () => {
  const { open } = office()
  const [first, second] = [open(), open()]
  first.seat.heard({ provider: 'cpu', message: '' })
  expect([second.plans, open().seat.plan]).toEqual([[], onProcessor])
})

test.each([
  [
    'crashed',
    'The model "m" version 1 runs on cpu here: trying cuda and webgpu ended its process.',
  ],
  [
    'killed',
    'The model "m" version 1 runs on cpu here: trying cuda and webgpu was cut off before it was done.',
  ],
] as const)('a process that is %s while it measures: the processor', async (kind, message) => {
  const { open, said } = office()
  const first = open()
  void first.opened.run(request)
  await first.end(kind)
  expect(said).toEqual([message])
  expect(open().seat.plan).toEqual(onProcessor)
})

test('a process that goes without having measured leaves it to the next', async () => {
  const { open, said } = office()
  const [first, second] = [open(), open()]
  await first.end('killed')
  expect(second.plans).toEqual([all])
  await second.end('stopped')
  expect(open().seat.plan).toEqual(all)
  expect(said).toEqual([])
})

test('a process lost while it loads: another try only if a device may be to blame', () => {
  const { seats, said } = office()
  const refused = seats.take()
  expect(refused.lost(musterError('InitFailed', 'The model is broken.'))).toBe(false)
  const dead = seats.take()
  expect(dead.plan).toEqual(all)
  expect(dead.lost(musterError('InitFailed', 'It died.', { retryable: true }))).toBe(true)
  expect(seats.take().plan).toEqual(onProcessor)
  expect(said).toHaveLength(1)
})
