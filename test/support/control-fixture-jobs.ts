import { writeFile } from 'node:fs/promises'
import type { BodyOf } from '#protocol/control/api.ts'
import type { PoolView } from '#protocol/control/sharing-api.ts'
import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import type { JobView, RowView } from '#protocol/control/job-views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import { makeJob, makeRow } from './control-views.ts'
import { exportedText, newestFirst } from './control-fixture-shared.ts'
import type { Shared } from './control-fixture-shared.ts'

const unknownPool = (name: string) =>
  musterError('NotFound', `There is no pool "${name}"; \`muster pool list\` shows all pools.`)

const poolNamed = (
  name: string,
  { minPeers, maxPeers, description, filter }: BodyOf<'createPool'>,
): PoolView => ({
  name,
  description: description ?? '',
  minPeers: minPeers ?? 0,
  maxPeers: maxPeers ?? null,
  filter: {
    names: filter?.names ?? [],
    tags: filter?.tags ?? [],
    gpu: filter?.gpu ?? false,
    memoryBytes: filter?.memoryBytes ?? 0,
  },
  createdAt: 0,
  allocationState: 'Resizing',
  currentPeers: 1,
  targetPeers: 2,
  peerStates: { idle: 1, running: 0, preparing: 0, unusable: 0, away: 1 },
  errors: ['dora: It does not answer; it may be switched off.'],
})

export const somePool = (): PoolView =>
  poolNamed('gpu', {
    name: 'gpu',
    minPeers: 1,
    filter: { names: ['ada', 'bo'], tags: ['tall'], gpu: true, memoryBytes: 8 * 1024 ** 3 },
  })

export const unknownJob = (job: string): MusterError =>
  musterError('JobUnknown', `No job starts with ${job}; \`muster job list\` shows them.`)

export const changeJob = (shared: Shared, id: string, change: Partial<JobView>): JobView => {
  const job = { ...(shared.jobs.get(id) ?? makeJob(id)), ...change }
  shared.jobs.set(id, job)
  shared.deltas.push({ kind: 'job-changed', job })
  return job
}

export const jobHandlers = (shared: Shared) => {
  const find = (start: string): JobView | undefined =>
    newestFirst(shared.jobs).find((job) => job.id.startsWith(start))
  const withJob = async <T>(start: string, answer: (job: JobView) => T) => {
    const job = find(start)
    return job === undefined ? err(unknownJob(start)) : ok(answer(job))
  }
  return {
    submitJob: async ({ body }) => {
      const wrong = body.text.split('\n').findIndex((line) => line.startsWith('mini_bach_size'))
      if (wrong >= 0) {
        const position = { file: body.file, line: wrong + 1, column: 1 }
        return err(
          musterError(
            'JobFileInvalid',
            'The field mini_bach_size is unknown; did you mean mini_batch_size?',
            { position },
          ),
        )
      }
      const id = `01JOB${String(shared.jobs.size + 1).padStart(21, '0')}`
      return ok(changeJob(shared, id, { name: /^name: (.*)$/m.exec(body.text)?.[1] ?? 'digits' }))
    },
    jobs: async ({ query }) => ok({ jobs: newestFirst(shared.jobs).slice(0, query.limit) }),
    job: ({ query }) =>
      withJob(query.job, (job) => ({
        ...job,
        spec: { mini_batch_size: 10 },
        file: { mini_batch_size: 10 },
        peers: [{ peer: 'peer-ben', name: 'ben', miniBatches: 2, items: 20, share: 0.8 }],
        failures:
          job.itemsFailed === 0
            ? []
            : [
                {
                  message: 'The file is no image.',
                  common: 'The file is no image.',
                  cause: 'item',
                  count: job.itemsFailed,
                  first: {
                    item: '0007.png',
                    miniBatch: 0,
                    attempt: 1,
                    peer: 'peer-ben',
                    peerName: 'ben',
                  },
                },
              ],
      })),
    resubmitJob: async ({ query, body }) => {
      const job = find(query.job)
      if (job === undefined) return err(unknownJob(query.job))
      const id = `01JOB${String(shared.jobs.size + 1).padStart(21, '0')}`
      return ok(changeJob(shared, id, { name: String(body.overrides?.['name'] ?? job.name) }))
    },
    forgetJob: async ({ query }) => {
      const job = find(query.job)
      if (job === undefined) return err(unknownJob(query.job))
      const forgotten = { by: job.submitter, byName: job.submitterName, at: 1 }
      return ok({
        ...changeJob(shared, job.id, { forgotten, rows: 0 }),
        left: '/data/chosen',
        sharedWith: [{ id: '01K9Z5', name: 'digits-again' }],
      })
    },
    pauseJob: ({ query }) =>
      withJob(query.job, (job) => changeJob(shared, job.id, { state: 'Paused' })),
    resumeJob: ({ query }) =>
      withJob(query.job, (job) => changeJob(shared, job.id, { state: 'Running' })),
    pools: async () => ok({ pools: [...shared.pools.values()] }),
    pool: async ({ query }) => {
      const pool = shared.pools.get(query.pool)
      return pool === undefined ? err(unknownPool(query.pool)) : ok(pool)
    },
    createPool: async ({ body }) => {
      const pool = poolNamed(body.name, body)
      shared.pools.set(body.name, pool)
      return ok(pool)
    },
    removePool: async ({ query }) =>
      shared.pools.delete(query.pool) ? ok({ done: true }) : err(unknownPool(query.pool)),
    cancelJob: async ({ query }) => {
      const job = find(query.job)
      if (job === undefined) return err(unknownJob(query.job))
      return ok(changeJob(shared, job.id, { state: 'CancelRequested' }))
    },
    results: ({ query }) => withJob(query.job, () => pageOfRows(shared.rows, query)),
    exportRows: async ({ query, body }) => {
      if (!shared.jobs.has(query.job)) return err(unknownJob(query.job))
      const text = exportedText(body.format ?? 'csv', body.head ?? shared.rows)
      await writeFile(body.path, text, { flag: body.overwrite === true ? 'w' : 'wx' })
      const rows = Math.min(shared.rows, body.head ?? shared.rows)
      return ok({ path: body.path, rows, bytes: text.length, elsewhere: 0 })
    },
    miniBatches: ({ query }) =>
      withJob(query.job, () => ({ total: 3, states: 'cl.', first: 0, peers: [], runs: [] })),
    timeline: ({ query }) =>
      withJob(query.job, () => ({ at: 0, from: 0, note: '', peers: [], attempts: [] })),
    jobLogs: ({ query }) =>
      withJob(query.job, (job) => ({
        job: job.id,
        overview: `Job           ${job.name} (${job.id})\n`,
        folder: '/home/anna/outputs/logs',
        logs: [benLog],
        missing: ['cem'],
      })),
    jobLog: ({ query }) =>
      withJob(query.job, (job) => {
        const text = ['one\n', 'two \u001b[2J\n'].slice(-(query.tail ?? 2)).join('')
        return { job: job.id, logs: query.peer === 'ben' ? [{ ...benLog, text }] : [] }
      }),
    attempts: ({ query }) =>
      withJob(query.job, () => ({
        attempts: [processed(query.cursor === undefined ? 0 : 1)],
        next: query.cursor === undefined ? '0.1' : null,
      })),
    explain: ({ query }) =>
      withJob(query.job, (job) => ({
        job: job.id,
        lines:
          query.miniBatch === undefined
            ? ['The job runs on 2 machines.', 'Mini-batch 2 waits for a free slot.']
            : [`Mini-batch ${query.miniBatch} was committed by ben.`],
      })),
  } satisfies Partial<ControlHandlers>
}

export const ben = { peer: 'peer-ben', peerName: 'ben' } as const

const benLog = { ...ben, process: 0, startedAt: 1_700_000_000_000, bytes: 12 } as const

const processed = (miniBatch: number) => ({
  ...ben,
  miniBatch,
  process: 0,
  attempt: 1,
  startedAt: 1_700_000_000_000,
  items: 10,
  succeeded: 9,
  failed: 1,
  seconds: 0.25,
  status: 'succeeded' as const,
  message: 'It is no image, "really".',
})

/** Every seventh item failed; the others carry a label and a score. */
const pageOfRows = (
  count: number,
  query: {
    cursor?: string | undefined
    limit?: number | undefined
    offset?: number | undefined
    only?: 'rows' | 'failures' | undefined
  },
) => {
  const all: RowView[] = Array.from({ length: count }, (_, item) => makeRow(item))
  const fitting = all.filter(
    (row) => query.only === undefined || (row.failure === '') === (query.only === 'rows'),
  )
  const from = query.cursor === undefined ? (query.offset ?? 0) : Number(query.cursor)
  const rows = fitting.slice(from, from + (query.limit ?? 100))
  const next = from + rows.length < fitting.length ? String(from + rows.length) : null
  return { rows, total: fitting.length, next }
}
