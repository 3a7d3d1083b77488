import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createBlobs } from '#agent/data/blobs/blobs.ts'
import { createProcessLogs } from '#agent/data/output/process-logs.ts'
import { createRunLogs } from '#agent/data/output/run-logs.ts'
import { createPlanReader } from '#agent/data/plan/plan-reader.ts'
import { createJobLogs } from '#agent/effects/keeper/job-logs.ts'
import type { JobLogsDeps } from '#agent/effects/keeper/job-logs.ts'
import { createSystemClock } from '#agent/host/system-clock.ts'
import type { Keys } from '#agent/ports/keys.ts'
import type { NodeJobSpec } from '#protocol/model/job.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { LogAnswer } from '#protocol/wire/logs/protocol.ts'
import { until } from '../../tools/agents.ts'
import { makeJob } from '../support/control-views.ts'
import { plainBase } from '../support/job-specs.ts'
import {
  blobNamed,
  createTempFolder,
  createTestKeys,
  genesisOf,
  groupOf,
  jobNumbered,
  jobOf,
  openTestStore,
  planOf,
  quietLog,
} from '../support/ledger-fixtures.ts'

const job = jobNumbered(1)
const script = { entry: 'a.ts', files: [{ path: 'a.mjs', blob: blobNamed('script'), bytes: 5 }] }
const spec: NodeJobSpec = {
  ...plainBase({ root: '/in', patterns: ['*'] }),
  runtime: 'node',
  script,
  arguments: [],
  environment: {},
}

it('logs that another machine still owes are fetched by the next agent of the keeper', async () => {
  await using folder = await createTempFolder()
  const [keys, others] = createTestKeys('mn') as [Keys, Keys]
  const { self } = keys
  await using store = await openTestStore(folder.path, keys)
  const { ledger, views } = store
  await ledger.found(genesisOf(self))
  await ledger.append([
    { kind: 'job-submitted', job: jobOf(job, self, { spec }) },
    planOf(job, 1, 1),
    {
      kind: 'committed',
      job,
      term: { number: 2, head: self },
      groups: [groupOf(others.self, blobNamed('chunk'), [0], 1)],
      at: 10,
    },
  ])
  const { mapHash, upTo } = await views.sealFacts(job)
  const sums = { miniBatches: 1, rows: 1, succeeded: 1, failed: 0 }
  const words = { state: 'Completed', headline: '', output: '' } as const
  await ledger.append([{ kind: 'job-sealed', job, mapHash, upTo, ...sums, ...words, at: 20 }])

  const runLogs = createRunLogs((id) => join(folder.path, 'outputs', id))
  const blobs = createBlobs({ folder: join(folder.path, 'blobs') })
  const planReader = createPlanReader({ blobs, planChunks: views.planChunks })
  const asked: PeerId[] = []
  const start = (isThere: boolean) =>
    createJobLogs({
      self,
      clock: createSystemClock(),
      log: quietLog,
      views,
      planReader,
      runLogs,
      processLogs: createProcessLogs(join(folder.path, 'logs')),
      leavings: { remove: async () => undefined },
      transport: {
        serve: () => undefined,
        connected: () => (isThere ? [others.self] : []),
        request: async function* (peer: PeerId) {
          asked.push(peer)
          yield answer
        },
      } as JobLogsDeps['transport'],
      members: () => [self, others.self],
      nameOf: (peer) => (peer === self ? 'keeper' : 'ada'),
      toView: () => makeJob(job),
    })
  {
    // Killed when the files of the run were written, and before any machine was asked.
    await using first = start(false)
    first.ended(job)
    await until('the run has its files', async () =>
      (await runLogs.list(job)).some(({ path }) => path === 'overview.txt'),
    )
  }
  {
    await using second = start(false)
    await second.catchUp()
    await until('its log is here', async () => {
      second.peerSeen(others.self)
      return (await runLogs.list(job)).some(({ path }) => path === 'ada/process-0.log')
    })
    expect(new Set(asked)).toEqual(new Set([others.self]))
  }
  const times = asked.length
  await using third = start(true)
  await third.catchUp()
  third.peerSeen(others.self)
  await third[Symbol.asyncDispose]()
  expect(asked.length).toBe(times)
})

const answer: LogAnswer = { process: 0, startedAt: 5, size: 3, data: Buffer.from('saw') }
