import { describe, expect, test } from 'vitest'
import { jobState, type JobSurroundings } from '#agent/job/job-state.ts'
import { exceededThreshold } from '#agent/job/thresholds.ts'
import { jobVerdict } from '#agent/job/verdict.ts'
import type { JobFold, SealFacts } from '#protocol/model/fold.ts'
import { asJobId, asPeerId } from '#protocol/model/ids.ts'
import type { JobClosed } from '#protocol/model/record.ts'
import { createJob } from '#test/simulation/jobs.ts'

const none = { errorThreshold: -1, miniBatchErrorThreshold: -1 }

describe('thresholds', () => {
  test('-1 ignores all, any other number aborts when strictly more fail, 0 allows none', () => {
    const many = { items: 1_000_000, miniBatches: 100_000 }
    expect(exceededThreshold(none, many)).toBeUndefined()
    for (const limit of [0, 1, 5]) {
      const spec = { ...none, errorThreshold: limit }
      expect(exceededThreshold(spec, { items: limit, miniBatches: 0 })).toBeUndefined()
      expect(exceededThreshold(spec, { items: limit + 1, miniBatches: 0 })).toMatch(
        new RegExp(`^${limit + 1} items? failed, more than the ${limit} that error_threshold`),
      )
      const batches = { ...none, miniBatchErrorThreshold: limit }
      expect(exceededThreshold(batches, { items: 9, miniBatches: limit })).toBeUndefined()
      expect(exceededThreshold(batches, { items: 9, miniBatches: limit + 1 })).toContain(
        'mini_batch_error_threshold',
      )
    }
  })

  test('allowed_failed_percent counts once all mini-batches are planned; 100 allows all', () => {
    const all = { items: 0, miniBatches: 10, of: 10 }
    expect(exceededThreshold(none, all)).toBeUndefined()
    const half = { ...none, allowedFailedPercent: 50 }
    expect(exceededThreshold(half, { items: 0, miniBatches: 5, of: 10 })).toBeUndefined()
    expect(exceededThreshold(half, { items: 0, miniBatches: 6 })).toBeUndefined()
    expect(exceededThreshold(half, { items: 0, miniBatches: 6, of: 10 })).toBe(
      '6 mini-batches of 10 failed, more than the 50 percent that allowed_failed_percent allows',
    )
    const zero = { ...none, allowedFailedPercent: 0 }
    expect(exceededThreshold(zero, { items: 0, miniBatches: 1, of: 1_000 })).toBeDefined()
  })
})

const job = createJob(asJobId('j'), asPeerId('data'))
const closed = (outcome: JobClosed['outcome'], reason = ''): JobClosed => ({
  kind: 'job-closed',
  job: job.id,
  term: { number: 1, head: asPeerId('head') },
  outcome,
  reason,
  at: 0,
})

const fold = (change: Partial<JobFold> = {}): JobFold => ({
  job,
  items: 10,
  miniBatches: 1,
  halvings: 0,
  planComplete: true,
  planFailure: '',
  committed: 0,
  itemsSucceeded: 0,
  itemsFailed: 0,
  rows: 0,
  rowsHere: 0,
  failedMiniBatches: 0,
  charged: 0,
  firstCommitAt: null,
  lastCommitAt: null,
  cancelRequestedAt: null,
  pausedAt: null,
  pauseClock: 0,
  closed: null,
  sealed: null,
  ...change,
})

const facts = (succeeded: number): SealFacts => ({
  mapHash: '',
  miniBatches: 1,
  rows: succeeded,
  succeeded,
  failed: 10 - succeeded,
  upTo: [],
})

describe('the verdict', () => {
  test('a job without one success has failed, whatever it tolerates, and says with what', () => {
    const verdict = jobVerdict(fold({ closed: closed('finished') }), facts(0), 'It is no image.')
    expect(verdict).toMatchObject({
      state: 'Failed',
      headline: 'None of the 10 items succeeded. First cause: It is no image.',
      writeOutput: false,
    })
  })

  test('one success is enough where failures are tolerated', () => {
    const verdict = jobVerdict(fold({ closed: closed('finished') }), facts(1), 'It is no image.')
    expect(verdict).toMatchObject({ state: 'Completed', headline: 'It is no image.' })
  })

  test('an aborted job says why', () => {
    const reason = '2 items failed, more than the 1 that error_threshold allows.'
    const verdict = jobVerdict(fold({ closed: closed('aborted', reason) }), facts(8), 'No.')
    expect(verdict).toMatchObject({ state: 'Failed', headline: `${reason} First cause: No.` })
  })

  test('a cause that the reason names already is not told twice, but where it was met', () => {
    const cause = 'The script threw in run(): Error: no.'
    const place = ' (First: a.png in mini-batch 2, attempt 1 on ada.)'
    const reason = `1 mini-batch failed, more than the 0 that it may; the first failure: ${cause}`
    const verdict = jobVerdict(fold({ closed: closed('aborted', reason) }), facts(8), cause + place)
    expect(verdict.headline).toBe(`${reason}${place}`)
    const other = jobVerdict(fold({ closed: closed('aborted', reason) }), facts(8), 'It died.')
    expect(other.headline).toBe(
      '1 mini-batch failed, more than the 0 that it may. First cause: It died.',
    )
  })
})

const around: JobSurroundings = {
  leased: 0,
  waits: '',
  headKnown: true,
  keeperHere: true,
  keeperName: 'anna',
  chunkHolders: [],
  outputProblem: '',
}

describe('the state of a job', () => {
  test('is Paused until it is resumed, canceled or over', () => {
    const paused = fold({ pausedAt: 5, pauseClock: 1, committed: 1 })
    expect(jobState(paused, around)).toEqual({
      state: 'Paused',
      reason: 'It goes on when it is resumed.',
    })
    expect(jobState(paused, { ...around, leased: 2 }).reason).toBe(
      'Work on 2 mini-batches is being stopped.',
    )
    expect(jobState({ ...paused, cancelRequestedAt: 6 }, around).state).toBe('CancelRequested')
    expect(jobState({ ...paused, closed: closed('finished') }, around).state).toBe('Finalizing')
  })

  test('says what it waits for while it runs, and while its input is listed', () => {
    const waits = 'ann: its worker process is still starting.'
    const planned = fold({ miniBatches: 4 })
    expect(jobState(planned, { ...around, leased: 2, waits })).toEqual({
      state: 'Running',
      reason: waits,
    })
    expect(jobState(fold({ miniBatches: 0 }), { ...around, waits }).reason).toBe(waits)
    expect(jobState(fold({ miniBatches: 0 }), around).reason).toBe('The input is being listed.')
  })

  test('more rows than items are told once, at the end', () => {
    const sealed = {
      kind: 'job-sealed',
      job: job.id,
      state: 'Completed',
      headline: '',
      mapHash: '',
      miniBatches: 1,
      rows: 13,
      succeeded: 10,
      failed: 0,
      output: '',
      at: 0,
    } as const
    expect(jobState(fold({ sealed, rows: 13, itemsSucceeded: 10 }), around)).toEqual({
      state: 'Completed',
      reason: '3 rows more than items succeeded came back; all of them are kept.',
    })
    expect(jobState(fold({ sealed, rows: 10, itemsSucceeded: 10 }), around).reason).toBe('')
  })
})
