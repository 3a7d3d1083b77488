import { expect, it } from 'vitest'
import { createSchedules } from '#agent/effects/runs/schedules.ts'
import type { SchedulesDeps } from '#agent/effects/runs/schedules.ts'
import { freshMemory, lookAtFolder, lookAtTimes, upTo } from '#agent/job/schedule.ts'
import type { Clock } from '#agent/ports/clock.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { PipelineRun, Schedule } from '#protocol/model/pipeline.ts'
import { err, ok } from '#protocol/model/result.ts'
import { peerNamed, quietLog } from '#test/support/ledger-fixtures.ts'
import { makeRun, makeSchedule } from '#test/support/pipeline-fixtures.ts'

const self = peerNamed('m')
const trigger = { kind: 'folder', path: '/in', patterns: [], quietMs: 1_000 } as const

/** What stays when an agent is killed: settings, and runs by the occasion they were submitted for. */
const createDisk = (schedules: readonly Schedule[]) => ({
  schedules,
  settings: new Map<string, unknown>(),
  runs: new Set<string>(),
  open: [] as PipelineRun[],
})

/** An agent on that disk. Its clock stands until it is moved. */
const startAgent = (disk: ReturnType<typeof createDisk>, now: number) => {
  const asked: string[] = []
  const told: {
    problem: MusterError | undefined
    dies: 'before' | 'after' | undefined
    isLong: boolean
  } = { problem: undefined, dies: undefined, isLong: false }
  const time = { now, monotonic: now }
  let tick = (): void => {}
  const none = (): never => {
    throw new Error('not asked for')
  }
  const clock: Clock = {
    now: () => time.now,
    monotonic: () => time.monotonic,
    after: none,
    sleep: none,
    every: (_, run) => {
      tick = run
      return { [Symbol.dispose]: () => {} }
    },
  }
  const submit: ReturnType<SchedulesDeps['runs']>['submit'] = async ({
    submissionId = '',
    origin = { kind: 'submitted' },
  }) => {
    asked.push(submissionId)
    if (told.dies === 'before') throw new Error('killed')
    if (told.problem !== undefined) return err(told.problem)
    disk.runs.add(submissionId)
    const run = { ...makeRun(self), origin, name: disk.schedules[0]?.name ?? '' }
    if (told.isLong) disk.open.push(run)
    if (told.dies === 'after') throw new Error('killed')
    return ok({ kind: 'run', run, jobs: [], warnings: [] })
  }
  const schedules = createSchedules({
    self,
    clock,
    log: quietLog,
    views: {
      schedules: async () =>
        disk.schedules.map((schedule) => ({ schedule, pausedAt: null, pauseClock: 0 })),
      setting: async (name: string) => disk.settings.get(name),
      setSetting: async (name: string, value: unknown) => void disk.settings.set(name, value),
      pipelines: async () =>
        disk.open.map((run) => ({
          run,
          jobs: [],
          skipped: [],
          cancelRequestedAt: null,
          pausedAt: null,
          pauseClock: 0,
          ended: null,
        })),
    },
    runs: () => ({ submit }),
    timetable: { problem: () => undefined, next: (_, __, after) => nextMinute(after) },
    folderWatch: { look: async () => ok({ signature: 'one file', files: 1 }) },
    rules: { freshMemory, upTo, lookAtTimes, lookAtFolder },
  })
  return {
    schedules,
    asked,
    told,
    time,
    /** Looks again after this time, and again until nobody looks any more. */
    pass: async (ms: number) => {
      time.now += ms
      time.monotonic += ms
      tick()
      for (let i = 0; i < 20; i += 1) await Promise.resolve()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

const nextMinute = (after: number): number => (Math.floor(after / 60_000) + 1) * 60_000

it.each(['before', 'after'] as const)(
  'files that came are run once, also when the agent is killed %s their run is recorded',
  async (dies) => {
    const disk = createDisk([makeSchedule(self, { trigger, setAt: 0 })])
    const first = startAgent(disk, 100_000)
    await first.pass(0)
    first.told.dies = dies
    await first.pass(limits.folderLookMs)
    expect(first.asked.length).toBe(1)

    const second = startAgent(disk, 200_000)
    for (let i = 0; i < 4; i += 1) await second.pass(limits.folderLookMs)
    expect(second.asked).toEqual(first.asked)
    expect(disk.runs.size).toBe(1)
  },
)

it('a run that was recorded when the agent was killed is not told as missed for its own sake', async () => {
  const cron = { kind: 'cron', expression: '* * * * *' } as const
  const disk = createDisk([makeSchedule(self, { trigger: cron, setAt: 0 })])
  const first = startAgent(disk, 60_500)
  Object.assign(first.told, { dies: 'after', isLong: true })
  await first.pass(0)
  expect(first.asked.length).toBe(1)

  const second = startAgent(disk, 65_000)
  for (let i = 0; i < 3; i += 1) await second.pass(1_000)
  expect(second.asked).toEqual([])
  const [run] = disk.open
  const known = second.schedules.memoryOf(disk.schedules[0]!.id)
  expect(known).toMatchObject({ missedAt: null, missed: '', lastRun: run?.id })
  await second.pass(60_000)
  const later = second.schedules.memoryOf(disk.schedules[0]!.id)
  expect(later).toMatchObject({ missedAt: 120_000, missed: 'the run before had not ended' })
})

it('what a full disk kept from being submitted is submitted when there is room', async () => {
  const disk = createDisk([makeSchedule(self, { trigger, setAt: 0 })])
  const agent = startAgent(disk, 100_000)
  await agent.pass(0)
  agent.told.problem = musterError('DiskFull', 'The disk is full.', { retryable: true })
  await agent.pass(limits.folderLookMs)
  await agent.pass(limits.folderLookMs)
  expect(agent.asked.length).toBe(1)
  expect(agent.schedules.memoryOf(disk.schedules[0]!.id)?.problem).toBe('The disk is full.')
  agent.told.problem = undefined
  await agent.pass(limits.runAgainMs)
  await agent.pass(limits.runAgainMs)
  expect(agent.asked.length).toBe(2)
  expect(disk.runs.size).toBe(1)
})

it('a file that cannot be submitted is not tried again, and keeps no other schedule waiting', async () => {
  const other = makeSchedule(self, { number: 1, name: 'other', trigger, setAt: 0 })
  const disk = createDisk([makeSchedule(self, { trigger, setAt: 0 }), other])
  const agent = startAgent(disk, 100_000)
  await agent.pass(0)
  agent.told.problem = musterError('JobFileInvalid', 'No.')
  for (let i = 0; i < 3; i += 1) await agent.pass(limits.folderLookMs)
  expect(agent.asked.length).toBe(2)

  const again = startAgent(createDisk(disk.schedules), 100_000)
  await again.pass(0)
  again.told.dies = 'before'
  await again.pass(limits.folderLookMs)
  expect(again.asked.map((id) => id.split('/')[0])).toEqual(disk.schedules.map(({ id }) => id))
})

it('a timetable tells what kept its run back until it was too late', async () => {
  const cron = makeSchedule(self, { trigger: { kind: 'cron', expression: 'x' }, setAt: 0 })
  const disk = createDisk([cron])
  const agent = startAgent(disk, 50_000)
  agent.told.problem = musterError('DiskFull', 'The disk is full.', { retryable: true })
  await agent.pass(10_000)
  for (let i = 0; i < 6; i += 1) await agent.pass(limits.runAgainMs - 500)
  expect(new Set(agent.asked).size).toBe(1)
  expect(agent.asked.length).toBeGreaterThan(2)
  expect(agent.schedules.memoryOf(cron.id)).toMatchObject({
    missedAt: 60_000,
    missed: 'The disk is full.',
  })
  // The clock was a year ahead, and is put right: the next minute counts.
  agent.told.problem = undefined
  agent.time.now += 365 * 24 * 3_600_000
  await agent.pass(60_000)
  agent.time.now -= 365 * 24 * 3_600_000
  await agent.pass(1_000)
  const before = agent.asked.length
  await agent.pass(60_000)
  expect(agent.asked.length).toBe(before + 1)
})
