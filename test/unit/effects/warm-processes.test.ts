import { expect, test } from 'vitest'
import { createWarmProcesses, processKind } from '#agent/effects/worker/warm-processes.ts'
import type { ProcessExit, WorkerProcess } from '#agent/ports/runtime.ts'
import { limits } from '#protocol/limits.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import type { Job, NodeJobSpec } from '#protocol/model/job.ts'
import { createJob } from '#test/simulation/jobs.ts'
import { jobA, jobB } from '../worker/scenario.ts'

interface Fixture extends ReturnType<typeof createWarmProcesses> {
  readonly process: (pid: number) => WorkerProcess
  /** Ended so far, in their order. */
  readonly ended: readonly number[]
  readonly pass: (ms: number) => void
  readonly ticking: () => boolean
  readonly machine: { slots: number; freeBytes: number }
}

const open = (slots: number): Fixture => {
  const machine = { slots, freeBytes: 8 * 2 ** 30 }
  const ended: number[] = []
  let now = 0
  let every: (() => void) | undefined
  const warm = createWarmProcesses({
    clock: {
      monotonic: () => now,
      every: (_ms, run) => {
        every = run
        return { [Symbol.dispose]: () => (every = undefined) }
      },
    },
    slots: () => machine.slots,
    freeBytes: () => machine.freeBytes,
  })
  return {
    ...warm,
    process: (pid) => {
      const { promise, resolve } = Promise.withResolvers<ProcessExit>()
      const kill = (): void => {
        ended.push(pid)
        resolve({ kind: 'killed', message: '' })
      }
      return { pid, kill, exited: promise, run: () => Promise.reject(new Error('idle')) }
    },
    ended,
    pass: (ms) => {
      now += ms
      every?.()
    },
    ticking: () => every !== undefined,
    machine,
  }
}

test('the newest process of a kind is handed out, once', () => {
  const s = open(3)
  for (const [pid, kind] of [
    [1, 'a'],
    [2, 'b'],
    [3, 'a'],
  ] as const)
    s.keep(s.process(pid), kind)
  s.makeRoom(0)
  expect(s.take('a')?.pid).toBe(3)
  expect(s.take('a')?.pid).toBe(1)
  expect(s.take('a')).toBeUndefined()
  expect(s.take('c')).toBeUndefined()
  expect(s.ended).toEqual([])
})

test('idle and running processes together never exceed the slots: the longest idle go', () => {
  const s = open(3)
  for (const pid of [1, 2, 3]) s.keep(s.process(pid), 'a')
  s.makeRoom(1)
  expect(s.ended).toEqual([1])
  s.machine.slots = 2
  s.pass(limits.warmLookMs)
  expect(s.ended).toEqual([1, 2])
})

test('they are ended after their time, and nobody looks any further', () => {
  const s = open(2)
  s.keep(s.process(1), 'a')
  s.makeRoom(0)
  s.pass(limits.warmProcessMs - 1)
  expect([s.ended, s.ticking()]).toEqual([[], true])
  s.pass(1)
  expect([s.ended, s.ticking()]).toEqual([[1], false])
})

test('none is kept while memory is short, nor when the agent stops', async () => {
  const s = open(2)
  s.keep(s.process(1), 'a')
  s.makeRoom(0)
  s.machine.freeBytes = limits.warmFreeBytes - 1
  s.pass(limits.warmLookMs)
  expect(s.ended).toEqual([1])
  s.machine.freeBytes = limits.warmFreeBytes
  s.keep(s.process(2), 'a')
  s.makeRoom(0)
  await s[Symbol.asyncDispose]()
  expect([s.ended, s.ticking()]).toEqual([[1, 2], false])
})

test('a process that ended by itself is not handed out', async () => {
  const s = open(2)
  const process = s.process(1)
  s.keep(process, 'a')
  process.kill()
  await process.exited
  expect(s.take('a')).toBeUndefined()
})

test('a kind is of one submitter, model, device and preprocessing', () => {
  const job = createJob(jobA, asPeerId('ann'))
  const kind = (one: Job, threads = 1): string => processKind(one, threads, 1)
  const changed = (spec: object): Job => ({ ...job, spec: { ...job.spec, ...spec } })
  expect(kind({ ...createJob(jobB, asPeerId('ann')), spec: job.spec })).toBe(kind(job))
  const others = [
    kind({ ...job, submitter: asPeerId('ben') }),
    kind(changed({ model: { name: 'other', version: 1, files: [] } })),
    kind(changed({ device: 'webgpu' })),
    kind(changed({ preprocess: { width: 7 } })),
    kind(changed({ postprocess: { kind: 'raw' } })),
    kind(job, 2),
  ]
  expect(new Set([...others, kind(job)]).size).toBe(others.length + 1)
})

test('the kind of a script is that of its runtime process: submitter, model, device, threads and memory', () => {
  const job = createJob(jobA, asPeerId('ann'))
  const scripted = (spec: object): Job => ({
    ...job,
    spec: { ...job.spec, runtime: 'node', arguments: [], environment: {}, ...spec } as NodeJobSpec,
  })
  const kind = (one: Job, threads = 1, bytes = 1): string => processKind(one, threads, bytes)
  const first = scripted({ script: { entry: 'a.ts', files: [] } })
  const same = scripted({ script: { entry: 'b.ts', files: [] }, arguments: ['--x'] })
  expect(kind(same)).toBe(kind(first))
  const model = { name: 'other', version: 1, files: [] }
  const others = [
    kind({ ...first, submitter: asPeerId('ben') }),
    kind(scripted({ model })),
    kind(scripted({ model: { ...model, version: 2 } })),
    kind(scripted({ model: undefined })),
    kind(scripted({ models: [{ ...model, alias: 'one' }] })),
    kind(scripted({ device: 'webgpu' })),
    kind(first, 2),
    kind(first, 1, 2),
    // A declared job's process could not take a script in.
    kind(job),
  ]
  expect(new Set([...others, kind(first)]).size).toBe(others.length + 1)
})
