import { expect, it } from 'vitest'
import { createPlanning } from '#agent/effects/head/planning.ts'
import type { PlanningDeps } from '#agent/effects/head/planning.ts'
import { musterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { PlanChunk } from '#protocol/model/plan.ts'
import type { PlanChunkWritten, RecordBody } from '#protocol/model/record.ts'
import { err, ok } from '#protocol/model/result.ts'
import { until } from '../../../tools/agents.ts'
import {
  blobNamed,
  jobNumbered,
  jobOf,
  peerNamed,
  quietLog,
} from '../../support/ledger-fixtures.ts'

const self = peerNamed('m')
const job = jobOf(jobNumbered(1), self)

const chunkNumbered = (chunk: number): PlanChunk => ({
  kind: 'files',
  job: job.id,
  chunk,
  firstItem: chunk,
  firstMiniBatch: chunk,
  runs: [{ count: 1, items: 1 }],
  partitions: [],
  items: [{ name: `${chunk}.png`, bytes: 1, modifiedMs: 1, input: 0 }],
  last: chunk === 2,
})

const full = err(musterError('DiskFull', 'The disk of /home is full.', { retryable: true }))

/** Planning on a disk that has room for some chunks. */
const setup = () => {
  const disk = { records: [] as RecordBody[], room: 1, isLedgerFull: false }
  const waits: { readonly ms: number; readonly done: () => void }[] = []
  const written = () =>
    disk.records.filter((one): one is PlanChunkWritten => one.kind === 'plan-chunk-written')
  const deps = {
    self,
    log: quietLog,
    clock: {
      now: () => 1,
      sleep: (ms: number) =>
        new Promise<void>((done) => {
          waits.push({ ms, done })
        }),
    },
    views: { planChunks: async () => written() },
    blobs: {
      put: async () => (written().length < disk.room ? ok(blobNamed('plan')) : full),
    },
    ledger: {
      append: async (bodies: readonly RecordBody[]) => {
        if (disk.isLedgerFull) return full
        disk.records.push(...bodies)
        return ok([])
      },
    },
    planReader: { end: async () => ok(undefined) },
    planner: {
      plan: async function* () {
        for (let chunk = written().length; chunk < 3; chunk += 1) yield chunkNumbered(chunk)
      },
    },
    takeOver: {
      begin: async () => ({
        through: async function* (chunks: AsyncIterable<PlanChunk>) {
          for await (const chunk of chunks) yield { chunk }
        },
      }),
    },
  } as unknown as PlanningDeps
  return { disk, waits, written, planning: createPlanning(deps) }
}

it('a plan goes on behind what is written when there is room on the disk again', async () => {
  const { disk, waits, written, planning } = setup()
  planning.start(job)
  await until('it waits for room', async () => waits.length === 1)
  expect(waits[0]?.ms).toBe(limits.runAgainMs)
  expect(planning.problemOf(job.id)).toBe('The disk of /home is full.')
  disk.room = 3
  waits[0]?.done()
  await until('the plan is whole', async () => written().length === 3)
  expect(written().map(({ chunk }) => chunk)).toEqual([0, 1, 2])
  await until('nothing is wrong', async () => planning.problemOf(job.id) === '')
  await planning[Symbol.asyncDispose]()
})

it('a plan that fails says so when that can be recorded, and ends with its job', async () => {
  const { disk, waits, planning } = setup()
  const elsewhere = { ...job, only: { job: jobNumbered(2), blob: blobNamed('none'), items: 1 } }
  disk.isLedgerFull = true
  planning.start(elsewhere)
  await until('it waits for room', async () => waits.length === 1)
  disk.isLedgerFull = false
  waits[0]?.done()
  await until('it is said', async () => disk.records.length === 1)
  expect(disk.records).toMatchObject([{ kind: 'plan-failed', job: job.id }])

  disk.isLedgerFull = true
  planning.start(job)
  await until('it waits again', async () => waits.length === 2)
  planning.stop(job.id)
  waits[1]?.done()
  await planning[Symbol.asyncDispose]()
  expect(disk.records.length).toBe(1)
})
