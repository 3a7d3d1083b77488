import { expect, test } from 'vitest'
import { limits } from '#protocol/limits.ts'
import {
  arrive,
  createScenario,
  grant,
  jobA,
  jobB,
  leaseOf,
  leases,
  miniBatchesRun,
  packed,
  ran,
  running,
  tokensOf,
  welcomed,
} from './scenario.ts'
import { createJob } from '#test/simulation/jobs.ts'
import { asPeerId } from '#protocol/model/ids.ts'

test('a grant is fetched in order and gets a process for each slot it can use', () => {
  const s = welcomed(4)
  grant(s, leases(0, 3))
  expect(s.take('startProcess').map(({ job }) => job)).toEqual([jobA, jobA, jobA])
  expect(s.take('fetchInput').map(({ lease }) => lease.miniBatch)).toEqual([0, 1, 2])
  s.expectNothingElse()
})

test('a mini-batch runs when its input is here and a process is ready, in either order', () => {
  const s = welcomed(1)
  const [a, b] = [leaseOf(0), leaseOf(1)]
  grant(s, [a, b])
  s.ignoreRest()
  arrive(s, [a])
  s.expectNothingElse()
  s.tell({ kind: 'processStarted', process: 1, index: 0 })
  expect(s.take('runAttempt')).toEqual([{ kind: 'runAttempt', process: 1, lease: a }])
  arrive(s, [b])
  // Nobody knows yet how long a run takes: nothing waits inside the process.
  expect(miniBatchesRun(s)).toEqual([])
  ran(s, 1, a)
  expect(miniBatchesRun(s)).toEqual([1])
})

test('short runs keep more mini-batches inside the process, the shorter the more, long ones do not', () => {
  const s = welcomed(1)
  const list = leases(0, 8)
  running(s, list)
  ran(s, 1, leaseOf(0), { runMs: limits.runFarAheadMs })
  expect(miniBatchesRun(s)).toEqual([0, 1, 2])
  const u = welcomed(1)
  const many = leases(0, limits.runAheadPerProcess + 4)
  running(u, many)
  ran(u, 1, leaseOf(0), { runMs: 0.01 })
  expect(miniBatchesRun(u)).toHaveLength(1 + limits.runAheadPerProcess)
  const t = welcomed(1)
  running(t, list)
  ran(t, 1, leaseOf(0), { runMs: limits.runAheadMs + 1 })
  expect(miniBatchesRun(t)).toEqual([0, 1])
})

test('processesPerPeer bounds the processes, and so does the work there is', () => {
  const s = welcomed(8, { processesPerPeer: 2 })
  grant(s, leases(0, 6))
  expect(s.take('startProcess')).toHaveLength(2)
  const t = welcomed(8)
  grant(t, leases(0, 1))
  expect(t.take('startProcess')).toHaveLength(1)
})

test('rows are packed at once when nothing else is to run, and reported when durable', () => {
  const s = welcomed(1)
  const [a, b] = [leaseOf(0), leaseOf(1)]
  running(s, [a, b])
  ran(s, 1, a)
  expect(s.take('packChunk')).toEqual([])
  ran(s, 1, b)
  expect(s.take('packChunk')).toEqual([{ kind: 'packChunk', job: jobA, tokens: tokensOf([a, b]) }])
  s.ignoreRest()
  packed(s, tokensOf([a, b]), 'chunk-1')
  expect(s.take('sendReports')).toEqual([
    {
      kind: 'sendReports',
      reports: [a, b].map(({ token, job, miniBatch, attempt }, position) => ({
        token,
        job,
        miniBatch,
        attempt,
        outcome: {
          kind: 'succeeded',
          chunk: 'chunk-1',
          position,
          succeeded: 10,
          failed: 0,
          rows: 10,
          runMs: 6,
        },
      })),
    },
  ])
  s.expectNothingElse()
  expect(s.state.leases.size()).toBe(0)
  expect(s.state.reports.size()).toBe(2)
  s.tell({ kind: 'reportsSettled', tokens: tokensOf([a, b]) })
  expect(s.state.reports.size()).toBe(0)
})

test('a chunk is closed by its size or its age', () => {
  const s = welcomed(1)
  running(s, leases(0, 5))
  ran(s, 1, leaseOf(0), { bytes: limits.chunkBytes - 1 })
  expect(s.take('packChunk')).toEqual([])
  ran(s, 1, leaseOf(1), { bytes: 1 })
  expect(s.take('packChunk')).toMatchObject([{ tokens: tokensOf(leases(0, 2)) }])
  ran(s, 1, leaseOf(2))
  s.pass(limits.chunkMs - 1)
  expect(s.take('packChunk')).toEqual([])
  s.pass(1)
  expect(s.take('packChunk')).toMatchObject([{ tokens: tokensOf([leaseOf(2)]) }])
})

test('starts are told in company', () => {
  const s = welcomed(3)
  running(s, leases(5, 1))
  s.ignoreRest()
  running(s, leases(0, 2))
  s.ignoreRest()
  s.pass(limits.reportMs - 1)
  s.expectNothingElse()
  s.pass(1)
  expect(s.take('sendStarted')).toEqual([{ kind: 'sendStarted', tokens: tokensOf(leases(0, 2)) }])
  s.expectNothingElse()
})

test('a run that throws is reported without a chunk', () => {
  const s = welcomed(1)
  running(s, [leaseOf(0)])
  s.pass(limits.reportMs)
  s.ignoreRest()
  s.tell({
    kind: 'attemptRan',
    process: 1,
    token: leaseOf(0).token,
    outcome: { kind: 'threw', message: 'x'.repeat(9_000) },
  })
  const ran = { startedAt: 1_000_000, runMs: limits.reportMs, process: 0 }
  s.pass(limits.reportMs)
  const [sent] = s.take('sendReports')
  expect(sent?.reports).toMatchObject([
    { miniBatch: 0, outcome: { kind: 'failed', cause: 'threw', ran } },
  ])
  expect(JSON.stringify(sent).length).toBeLessThan(2_000)
  s.expectNothingElse()
})

test('a dead process costs only what it ran; the other is fetched and run again first', () => {
  const s = welcomed(1)
  running(s, leases(0, 5))
  ran(s, 1, leaseOf(0))
  s.ignoreRest()
  s.tell({ kind: 'processExited', process: 1, how: 'out-of-memory', message: 'Signal 9.' })
  const [again] = s.take('startProcess')
  expect(s.take('fetchInput').map(({ lease }) => lease.miniBatch)).toEqual([2])
  s.pass(limits.reportMs)
  expect(s.take('sendReports')).toMatchObject([
    {
      reports: [
        {
          miniBatch: 1,
          outcome: {
            cause: 'process-died',
            message: 'The worker process ran out of memory: Signal 9.',
          },
        },
      ],
    },
  ])
  s.tell({ kind: 'processStarted', process: again?.process ?? 0, index: 0 })
  expect(miniBatchesRun(s)).toEqual([3, 4])
})

test('a run over its limit is killed and charged as timed out, unless it ended meanwhile', () => {
  const s = welcomed(1, { runLimitMs: 1_000 })
  running(s, leases(0, 2))
  s.ignoreRest()
  s.pass(999)
  expect(s.take('killProcess')).toEqual([])
  s.pass(1)
  expect(s.take('killProcess')).toHaveLength(1)
  s.tell({ kind: 'processExited', process: 1, how: 'killed', message: 'Killed.' })
  s.pass(limits.reportMs)
  expect(s.take('sendReports')).toMatchObject([
    { reports: [{ outcome: { cause: 'timed-out', ran: { runMs: 1_000 } } }] },
  ])

  const t = welcomed(1, { runLimitMs: 1_000 })
  running(t, leases(0, 4))
  ran(t, 1, leaseOf(0))
  t.pass(1_000)
  t.ignoreRest()
  ran(t, 1, leaseOf(1))
  t.tell({ kind: 'processExited', process: 1, how: 'killed', message: 'Killed.' })
  expect(t.take('fetchInput').map(({ lease }) => lease.miniBatch)).toEqual([2])
  t.pass(limits.reportMs)
  expect(t.take('sendReports')).toEqual([])
})

test('a model that cannot be fetched gives the leases back; one that does not load is tried again', () => {
  const s = welcomed(1)
  grant(s, leases(0, 2))
  s.ignoreRest()
  s.tell({ kind: 'processFailed', process: 1, why: 'reach', message: 'No holder.' })
  expect(s.take('sendReturned')).toEqual([
    {
      kind: 'sendReturned',
      tokens: tokensOf(leases(0, 2)),
      reason: 'model-unreachable',
      message: 'No holder.',
    },
  ])
  expect(s.take('dropInput')).toHaveLength(2)
  s.expectNothingElse()
  grant(s, leases(5, 1))
  s.ignoreRest()
  s.pass(limits.initRetryMs)
  const [process] = s.take('startProcess')
  s.tell({
    kind: 'processFailed',
    process: process?.process ?? 0,
    why: 'init',
    message: 'Bad opset.',
  })
  expect(s.take('sendInitFailed')).toEqual([
    { kind: 'sendInitFailed', job: jobA, message: 'Bad opset.', processes: 1 },
  ])
  s.pass(limits.initRetryMs - 1)
  s.expectNothingElse()
  s.pass(1)
  expect(s.take('startProcess')).toHaveLength(1)
})

test('a process that dies while it loads the model is a failed start', () => {
  const s = welcomed(1)
  grant(s, leases(0, 1))
  s.ignoreRest()
  s.tell({ kind: 'processExited', process: 1, how: 'crashed', message: 'Signal 11.' })
  expect(s.take('sendInitFailed')).toMatchObject([
    { message: 'The worker process died: Signal 11.' },
  ])
  s.expectNothingElse()
})

test('a chunk that cannot be written gives its leases back without cost', () => {
  const s = welcomed(1)
  running(s, [leaseOf(0)])
  ran(s, 1, leaseOf(0))
  s.ignoreRest()
  s.tell({
    kind: 'chunkFailed',
    job: jobA,
    tokens: tokensOf([leaseOf(0)]),
    message: 'The disk is full.',
  })
  expect(s.take('sendReturned')).toMatchObject([
    { reason: 'process-replaced', message: 'The disk is full.' },
  ])
  s.expectNothingElse()
})

test('an input that cannot be fetched gives its lease back', () => {
  const s = welcomed(1)
  grant(s, leases(0, 2))
  s.ignoreRest()
  s.tell({ kind: 'inputFailed', token: leaseOf(0).token, message: 'The folder is gone.' })
  expect(s.take('sendReturned')).toEqual([
    {
      kind: 'sendReturned',
      tokens: [leaseOf(0).token],
      reason: 'input-unreachable',
      message: 'The folder is gone.',
    },
  ])
  s.expectNothingElse()
})

test('inputs ahead are bounded by bytes, but each slot may have one', () => {
  const s = welcomed(1)
  grant(s, leases(0, 1))
  expect(s.take('fetchInput')).toHaveLength(1)
  arrive(s, leases(0, 1), limits.inputAheadBytes)
  grant(s, leases(1, 4))
  expect(s.take('fetchInput')).toEqual([])
  const [process] = s.take('startProcess')
  s.tell({ kind: 'processStarted', process: process?.process ?? 0, index: 0 })
  expect(miniBatchesRun(s)).toEqual([0])
  expect(s.take('fetchInput').map(({ lease }) => lease.miniBatch)).toEqual([1])
})

test('a warm process stays for its job and makes room for another one', () => {
  const s = welcomed(1)
  s.tell({ kind: 'jobKnown', job: createJob(jobB, asPeerId('data')) })
  running(s, [leaseOf(0)])
  ran(s, 1, leaseOf(0))
  packed(s, tokensOf([leaseOf(0)]))
  s.pass(60_000)
  s.ignoreRest()
  grant(s, leases(10, 1, jobB))
  expect(s.take('killProcess')).toMatchObject([{ process: 1 }])
  expect(s.take('startProcess')).toEqual([])
  s.tell({ kind: 'processExited', process: 1, how: 'killed', message: '' })
  expect(s.take('startProcess')).toMatchObject([{ job: jobB }])
})

test('a job without a process takes over a slot after a turn', () => {
  const s = welcomed(1)
  s.tell({ kind: 'jobKnown', job: createJob(jobB, asPeerId('data')) })
  running(s, leases(0, 20))
  grant(s, leases(50, 5, jobB))
  s.ignoreRest()
  s.pass(limits.jobTurnMs)
  s.expectNothingElse()
  ran(s, 1, leaseOf(0))
  expect(s.take('killProcess')).toMatchObject([{ process: 1 }])
  expect(miniBatchesRun(s)).toEqual([])
  s.tell({ kind: 'processExited', process: 1, how: 'killed', message: '' })
  expect(s.take('startProcess')).toMatchObject([{ job: jobB }])
})

test('without slots nothing is taken', () => {
  const s = createScenario()
  grant(s, leases(0, 1))
  s.expectNothingElse()
})

test('a machine that ran out of memory runs one process of that job fewer from then on', () => {
  const s = welcomed(3)
  const [first = 0, second = 0, third = 0] = running(s, leases(0, 12))
  s.ignoreRest()
  const end = (process: number, how: 'out-of-memory' | 'crashed') => {
    s.tell({ kind: 'processExited', process, how, message: 'It ended.' })
    return s.take('startProcess').map(({ process: started }) => started)
  }
  expect(end(first, 'out-of-memory')).toEqual([])
  const [again = 0] = end(second, 'crashed')
  expect(again).toBeGreaterThan(third)
  s.tell({ kind: 'processStarted', process: again, index: 0 })
  expect(end(again, 'out-of-memory')).toEqual([])
  // The last one is started again however often: the head charges each death.
  const [last = 0] = end(third, 'out-of-memory')
  s.tell({ kind: 'processStarted', process: last, index: 0 })
  expect(end(last, 'out-of-memory')).toHaveLength(1)
})

test('what ran out of memory is noted, and the next job of its kind starts with as many as fit', () => {
  const s = welcomed(3)
  const [first = 0, second = 0, third = 0] = running(s, leases(0, 12))
  s.ignoreRest()
  const end = (process: number) =>
    s.tell({ kind: 'processExited', process, how: 'out-of-memory', message: 'It ended.' })
  end(first)
  expect(s.take('noteMemory')).toEqual([{ kind: 'noteMemory', job: jobA, processes: 2, items: 10 }])
  end(second)
  expect(s.take('noteMemory')).toMatchObject([{ processes: 1 }])
  // Alone it is not the others that were too many: that is told, and nothing is run fewer of.
  end(third)
  expect(s.take('noteMemory')).toMatchObject([{ processes: 0 }])

  const t = welcomed(3)
  t.tell({ kind: 'jobKnown', job: createJob(jobB, asPeerId('data')), memoryFits: 2 })
  grant(t, leases(0, 12, jobB))
  expect(t.take('startProcess')).toHaveLength(2)
})

test('items that take longer than the job allows are charged, as many at a time as would be run', () => {
  const s = welcomed(2, { loadLimitMs: 1_000 })
  const [a, b, c, d] = [leaseOf(0), leaseOf(1), leaseOf(2), leaseOf(3)]
  grant(s, [a, b, c, d])
  // No more share the way than there are processes.
  expect(s.take('fetchInput').map(({ lease }) => lease)).toEqual([a, b])
  s.ignoreRest()
  s.pass(900)
  // What comes shows that the way is not stuck.
  arrive(s, [a])
  expect(s.take('fetchInput').map(({ lease }) => lease)).toEqual([c])
  s.pass(999)
  expect(s.take('dropInput')).toEqual([])
  s.pass(1)
  expect(s.take('dropInput').map(({ token }) => token)).toEqual(tokensOf([b, c]))
  expect(s.take('fetchInput').map(({ lease }) => lease)).toEqual([d])
  s.pass(limits.reportMs)
  expect(s.take('sendReports').flatMap(({ reports }) => reports)).toMatchObject(
    [b, c].map(({ token }) => ({
      token,
      outcome: {
        kind: 'failed',
        cause: 'not-loaded',
        message:
          'Loading the mini-batch took longer than the 1 s that task_overhead_timeout allows.',
      },
    })),
  )
  s.pass(1_000 - limits.reportMs)
  expect(s.take('dropInput').map(({ token }) => token)).toEqual(tokensOf([d]))
  const t = welcomed(2)
  grant(t, [a])
  t.ignoreRest()
  t.pass(3_600_000)
  expect(t.take('dropInput')).toEqual([])
})
