import { expect, test } from 'vitest'
import { createJobLogs } from '#agent/effects/keeper/job-logs.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import type { NodeJobSpec } from '#protocol/model/job.ts'
import { ok } from '#protocol/model/result.ts'
import { createJob, jobId } from '#test/simulation/jobs.ts'
import { makeJob } from '../../support/control-views.ts'
import { quietLog } from '../../support/ledger-fixtures.ts'

const self = asPeerId('keeper')
const id = jobId(0)

/** A sealed job of a script, and the moments at which its keeper can hear that it is to be forgotten. */
const setup = (forgetAt: 'never' | 'while attempts are listed' | 'while prints are fetched') => {
  const declared = createJob(id, self)
  const script = { entry: 'score.ts', source: 'typescript', files: [] } as const
  const spec = { ...declared.spec, runtime: 'node', script, arguments: [], environment: {} }
  let fold = { job: { ...declared, spec: spec as unknown as NodeJobSpec }, items: 1 } as JobFold
  const files = new Map<string, string>()
  const timers: (() => void)[] = []
  /** What its one process printed so far. */
  let printed = 'patient'
  /** Recorded first, removed then: as the agent does it. */
  const at = (moment: typeof forgetAt): void => {
    if (moment !== forgetAt) return
    fold = { ...fold, forgotten: { by: self, at: 90 } }
    files.clear()
  }
  const logs = createJobLogs({
    self,
    clock: {
      after: (_, act) => {
        timers.push(act)
        return { [Symbol.dispose]: () => undefined }
      },
    },
    log: quietLog,
    views: {
      job: async () => fold,
      jobs: async () => [],
      attempts: async () => {
        at('while attempts are listed')
        return { attempts: [], next: null }
      },
      shares: async () => [],
      charges: async () => [],
      failureGroups: async () => [],
      planChunks: async () => [],
    },
    planReader: { items: async () => ok([]) },
    transport: {
      serve: () => undefined,
      connected: () => [],
      request: () => {
        throw new Error('nobody else is asked')
      },
    },
    processLogs: {
      list: async () => [{ process: 0, startedAt: 5, bytes: printed.length }],
      read: async () => {
        at('while prints are fetched')
        return Buffer.from(printed)
      },
    },
    runLogs: {
      folder: () => '/out/logs',
      write: async (_, path, parts) => {
        files.set(path, (await Array.fromAsync(parts)).map(String).join(''))
        return ok(undefined)
      },
      list: async () => [],
      read: async () => new Uint8Array(),
    },
    leavings: { remove: async () => files.clear() },
    members: () => [self],
    nameOf: () => 'anna',
    toView: () => makeJob(id, { state: 'Completed' }),
  })
  const isForgotten = (): boolean => fold.forgotten !== undefined
  const nextTimer = async (): Promise<void> => {
    await expect.poll(() => timers.length > 0 || isForgotten()).toBe(true)
    timers.shift()?.()
  }
  return {
    logs,
    files,
    nextTimer,
    print: (words: string): void => {
      printed += words
    },
    /** The files that stand when the job has ended and the printed words were fetched. */
    written: async (): Promise<readonly string[]> => {
      logs.ended(id)
      await nextTimer()
      await expect.poll(() => files.has('anna/process-0.log') || isForgotten()).toBe(true)
      // Waits for the file that is being written.
      await logs[Symbol.asyncDispose]()
      return [...files.keys()].toSorted()
    },
  }
}

test('logs of a run stand in its folder', async () => {
  expect(await setup('never').written()).toEqual([
    'anna/process-0.log',
    'errors.csv',
    'mini-batches.csv',
    'overview.txt',
  ])
})

test.each(['while attempts are listed', 'while prints are fetched'] as const)(
  'nothing is written of a job that is forgotten %s',
  async (moment) => {
    expect(await setup(moment).written()).toEqual([])
  },
)

test('what a script said after its log was fetched is fetched too', async () => {
  const { logs, files, nextTimer, print } = setup('never')
  await using _ = logs
  const log = (): string => files.get('anna/process-0.log') ?? ''
  logs.ended(id)
  await nextTimer()
  await expect.poll(log).toContain('patient')
  print(', and that was all')
  await nextTimer()
  await expect.poll(log).toContain('patient, and that was all')
})
