import { expect, test } from 'vitest'
import type { InputExchange } from '#agent/effects/inputs/input-exchange.ts'
import { createWorkerInputs } from '#agent/effects/inputs/worker-inputs.ts'
import { musterError } from '#protocol/errors.ts'
import type { Lease } from '#protocol/model/attempt.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import type { JobSpecBase } from '#protocol/model/job.ts'
import { err } from '#protocol/model/result.ts'
import { createJob, jobId } from '#test/simulation/jobs.ts'

const lease = (miniBatch: number): Lease => ({
  token: { term: { number: 1, head: asPeerId('head') }, leaseId: miniBatch + 1 },
  job: jobId(0),
  miniBatch,
  attempt: 1,
  firstItem: miniBatch * 10,
  items: 10,
})

/** Requests that stay open until they are given up. */
const setup = (spec: Partial<JobSpecBase> = {}) => {
  const asked: { readonly first: number; readonly count: number; readonly signal: AbortSignal }[] =
    []
  const failed: string[] = []
  const stuck: InputExchange['fetch'] = (_job, first, count, signal) => {
    asked.push({ first, count, signal })
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(err(musterError('Aborted', 'Given up.'))))
    })
  }
  const inputs = createWorkerInputs({
    inputs: {
      fetch: stuck,
      fetchMiniBatch: () => Promise.reject(new Error('no table')),
      itemsStreamed: () => 0,
      jobEnded: () => undefined,
    },
    jobById: (id) => createJob(id, asPeerId('data'), spec),
    arrived: () => undefined,
    failed: (_token, message) => failed.push(message),
  })
  const fetch = async (...leases: readonly Lease[]): Promise<void> => {
    for (const one of leases) inputs.fetch(one)
    await Promise.resolve()
  }
  return { inputs, asked, failed, fetch }
}

test('neighbours come with one request, which is given up with the last that wanted it', async () => {
  const { inputs, asked, failed, fetch } = setup()
  await fetch(lease(0), lease(1), lease(5))
  expect(asked.map(({ first, count }) => [first, count])).toEqual([
    [0, 20],
    [50, 10],
  ])
  inputs.drop(lease(0).token)
  expect(asked.map(({ signal }) => signal.aborted)).toEqual([false, false])
  inputs.drop(lease(1).token)
  expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, false])
  inputs[Symbol.dispose]()
  expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true])
  await new Promise(setImmediate)
  expect(failed).toEqual([])
})

test('each is asked for alone where loading one is limited', async () => {
  const { inputs, asked, fetch } = setup({ loadLimitMs: 1_000 })
  await fetch(lease(0), lease(1))
  expect(asked.map(({ first, count }) => [first, count])).toEqual([
    [0, 10],
    [10, 10],
  ])
  inputs[Symbol.dispose]()
})
