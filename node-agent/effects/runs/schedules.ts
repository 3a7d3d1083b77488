import type { Clock } from '#agent/ports/clock.ts'
import type { Log } from '#agent/ports/log.ts'
import type { FolderWatch, Timetable } from '#agent/ports/schedule.ts'
import type { Views } from '#agent/ports/views.ts'
import { MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { Millis, PeerId, PipelineId, ScheduleId } from '#protocol/model/ids.ts'
import type { Schedule } from '#protocol/model/pipeline.ts'
import { err } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { Runs } from './run-wishes.ts'

/** Starts the runs of this agent's schedules when they are due. */
export interface Schedules extends AsyncDisposable {
  /** A schedule was set or removed. */
  readonly changed: () => void
  /** What is known here of a schedule; undefined for one of another agent. */
  readonly memoryOf: (schedule: ScheduleId) => ScheduleNote | undefined
  readonly nextOf: (schedule: Schedule) => Millis | undefined
}

/** What people are told of a schedule. */
export interface ScheduleNote {
  readonly missedAt: Millis | null
  readonly missed: string
  /** Why the last run could not be started, or the folder cannot be watched; empty if nothing is wrong. */
  readonly problem: string
  readonly lastRun: PipelineId | null
}

/** What an agent remembers of a schedule, made and read by the rules. */
export interface Memory {
  readonly settledTo: Millis
  readonly missedAt: Millis | null
  readonly missed: string
  readonly ranOn: string
  readonly seen: string
  readonly seenAt: Millis
}

interface Look {
  readonly memory: Memory
  readonly dueAt?: Millis
}

interface Surroundings {
  readonly now: Millis
  readonly isBusy: boolean
  readonly isPaused: boolean
}

export interface SchedulesDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly log: Log
  readonly views: Pick<Views, 'schedules' | 'setting' | 'setSetting' | 'pipelines'>
  readonly runs: () => Pick<Runs, 'submit'>
  readonly timetable: Timetable
  readonly folderWatch: FolderWatch
  /** Rules of `job/`, handed in by the composition root. */
  readonly rules: {
    readonly freshMemory: (now: Millis) => Memory
    readonly upTo: (memory: Memory, now: Millis, lateMs: Millis) => Memory
    readonly lookAtTimes: (
      memory: Memory,
      around: Surroundings,
      next: (after: Millis) => Millis | undefined,
      lateMs: Millis,
    ) => Look
    readonly lookAtFolder: (
      memory: Memory,
      around: Surroundings,
      folder: { readonly signature: string; readonly files: number },
      quietMs: Millis,
    ) => Look
  }
}

/** A schedule of this agent, with what is known of it. */
interface Watched {
  readonly schedule: Schedule
  isPaused: boolean
  memory: Memory
  problem: string
  lastRun: PipelineId | null
  /** It is not looked at again before this monotonic time. */
  lookAgainAt: Millis
}

export const createSchedules = (deps: SchedulesDeps): Schedules => {
  const { clock, log, timetable } = deps
  const stopped = new AbortController()
  const watched = new Map<ScheduleId, Watched>()
  let isStale = true
  let working: Promise<void> | undefined

  const tell = (thrown: unknown): void => {
    if (!stopped.signal.aborted)
      log.error('a schedule could not be looked at', { detail: thrownToText(thrown) })
  }
  const lookAtAll = async (): Promise<void> => {
    if (isStale) {
      isStale = false
      await refresh(deps, watched)
    }
    for (const one of watched.values()) {
      if (stopped.signal.aborted) return
      await lookAt(deps, one, stopped.signal).catch(tell)
    }
  }
  const ticking = clock.every(limits.scheduleTickMs, () => {
    if (working !== undefined || stopped.signal.aborted) return
    if (watched.size === 0 && !isStale) return
    working = lookAtAll()
      .catch(tell)
      .finally(() => {
        working = undefined
      })
  })
  return {
    changed: () => {
      isStale = true
    },
    memoryOf: (schedule) => {
      const one = watched.get(schedule)
      if (one === undefined) return undefined
      const { memory, problem, lastRun } = one
      return { missedAt: memory.missedAt, missed: memory.missed, problem, lastRun }
    },
    nextOf: ({ trigger }) =>
      trigger.kind === 'cron'
        ? timetable.next(trigger.expression, trigger.timezone, clock.now())
        : undefined,
    [Symbol.asyncDispose]: async () => {
      stopped.abort()
      ticking[Symbol.dispose]()
      await working
    },
  }
}

/** Brings the list up to date; what was remembered before a restart is read again. */
const refresh = async (deps: SchedulesDeps, watched: Map<ScheduleId, Watched>): Promise<void> => {
  const own = (await deps.views.schedules()).filter(
    ({ schedule }) => schedule.submitter === deps.self,
  )
  const ids = new Set(own.map(({ schedule }) => schedule.id))
  for (const id of watched.keys()) if (!ids.has(id)) watched.delete(id)
  for (const { schedule, pausedAt } of own) {
    const isPaused = pausedAt !== null
    const known = watched.get(schedule.id)
    if (known !== undefined) {
      known.isPaused = isPaused
      continue
    }
    const kept = (await deps.views.setting(settingOf(schedule))) as
      { readonly memory: Memory; readonly lastRun: PipelineId | null } | undefined
    const memory = kept?.memory ?? deps.rules.freshMemory(schedule.setAt)
    const begun = await begunSince(deps, schedule, memory.settledTo)
    watched.set(schedule.id, {
      schedule,
      isPaused,
      memory: begun === undefined ? memory : { ...memory, settledTo: begun.dueAt },
      problem: '',
      lastRun: begun?.run ?? kept?.lastRun ?? null,
      lookAgainAt: 0,
    })
  }
}

/**
 * The run of a due time that was recorded when the agent was killed, before that time was remembered as settled: it
 * would stand in its own way. What lies in a folder is found again by the id of its submission.
 */
const begunSince = async (
  { views }: SchedulesDeps,
  { id, trigger }: Schedule,
  settledTo: Millis,
): Promise<{ readonly run: PipelineId; readonly dueAt: Millis } | undefined> => {
  if (trigger.kind !== 'cron') return undefined
  const open = await views.pipelines({ only: 'open', limit: limits.openPipelines })
  for (const { run } of open) {
    const { origin } = run
    if (origin.kind === 'scheduled' && origin.schedule === id && origin.dueAt > settledTo)
      return { run: run.id, dueAt: origin.dueAt }
  }
  return undefined
}

const settingOf = ({ id }: Schedule): string => `schedule/${id}`

const lookAt = async (deps: SchedulesDeps, one: Watched, signal: AbortSignal): Promise<void> => {
  const look = await lookOnce(deps, one, signal)
  if (look === undefined) return
  // It is settled when the run is recorded: what a crash or a full disk came in between of is done again.
  const memory =
    look.dueAt === undefined
      ? look.memory
      : await run(deps, one, { ...look, dueAt: look.dueAt }, signal)
  if (memory === undefined || memory === one.memory) return
  if (memory.missedAt !== one.memory.missedAt) tellMissed(deps, one.schedule, memory)
  one.memory = memory
  await remember(deps, one)
}

const remember = ({ views }: SchedulesDeps, { schedule, memory, lastRun }: Watched) =>
  views.setSetting(settingOf(schedule), { memory, lastRun })

const lookOnce = async (
  deps: SchedulesDeps,
  one: Watched,
  signal: AbortSignal,
): Promise<Look | undefined> => {
  const { schedule, isPaused } = one
  const { trigger } = schedule
  const { rules, clock, timetable } = deps
  if (clock.monotonic() < one.lookAgainAt) return undefined
  const memory = rules.upTo(one.memory, clock.now(), limits.scheduleLateMs)
  if (memory !== one.memory) return { memory }
  if (trigger.kind === 'cron') {
    const next = (after: Millis): Millis | undefined =>
      timetable.next(trigger.expression, trigger.timezone, after)
    const first = next(memory.settledTo)
    if (first === undefined || first > clock.now()) return undefined
    const around = { now: clock.now(), isBusy: await isBusy(deps, schedule), isPaused }
    return rules.lookAtTimes(memory, around, next, limits.scheduleLateMs)
  }
  // What comes into a folder meanwhile is new when the schedule goes on.
  if (isPaused) return undefined
  const begun = clock.monotonic()
  const look = await deps.folderWatch.look(trigger.path, trigger.patterns, signal)
  const tookMs = clock.monotonic() - begun
  one.lookAgainAt =
    clock.monotonic() + Math.max(limits.folderLookMs, tookMs / limits.folderLookShare - tookMs)
  one.problem = look.ok ? '' : look.error.message
  if (!look.ok) return undefined
  const around = { now: clock.now(), isBusy: await isBusy(deps, schedule), isPaused }
  return rules.lookAtFolder(memory, around, look.value, trigger.quietMs)
}

const isBusy = async (
  { views }: SchedulesDeps,
  { name, overlap, submitter }: Schedule,
): Promise<boolean> => {
  if (overlap) return false
  const open = await views.pipelines({ only: 'open', limit: limits.openPipelines })
  return open.some(
    ({ run: one }) =>
      one.name === name && one.submitter === submitter && one.origin.kind === 'scheduled',
  )
}

const tellMissed = ({ log }: SchedulesDeps, { name }: Schedule, memory: Memory): void => {
  if (memory.missedAt === null) return
  const dueAt = new Date(memory.missedAt).toISOString()
  log.warn('a scheduled run did not take place', { schedule: name, dueAt, why: memory.missed })
}

/** What is remembered of it from now on; undefined: it is due again at the next look. */
const run = async (
  deps: SchedulesDeps,
  one: Watched,
  look: Required<Look>,
  signal: AbortSignal,
): Promise<Memory | undefined> => {
  const { id, source, parameters, trigger, name } = one.schedule
  const { dueAt, memory } = look
  const origin = { kind: 'scheduled', schedule: id, dueAt } as const
  const submissionId = submissionOf(one, look)
  const wish = { ...source, parameters, now: true, origin, submissionId }
  const submitted = await deps.runs().submit(wish, signal).catch(toError)
  if (submitted.ok) {
    one.problem = ''
    one.lastRun = submitted.value.kind === 'run' ? submitted.value.run.id : null
    return memory
  }
  const { error } = submitted
  if (signal.aborted) return undefined
  one.problem = error.message
  deps.log.warn('a scheduled run could not be submitted', { schedule: name, error })
  if (!error.retryable) return memory
  one.lookAgainAt = deps.clock.monotonic() + limits.runAgainMs
  const isLast = deps.clock.now() + limits.runAgainMs - dueAt > limits.scheduleLateMs
  return trigger.kind === 'cron' && isLast
    ? { ...memory, missedAt: dueAt, missed: error.message }
    : undefined
}

/** The store says by a rejection that it is full. */
const toError = (thrown: unknown): Result<never, MusterError> => {
  if (thrown instanceof MusterFailure) return err(thrown.error)
  throw thrown
}

/** The same for the same occasion, also after a crash, so that no occasion gives two runs. */
const submissionOf = ({ schedule, memory }: Watched, look: Required<Look>): string =>
  schedule.trigger.kind === 'cron'
    ? `${schedule.id}/${look.dueAt}`
    : `${schedule.id}/${memory.settledTo}/${look.memory.ranOn}`
