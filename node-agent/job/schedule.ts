import type { Millis } from '#protocol/model/ids.ts'

/** What an agent remembers of one of its schedules. */
export interface ScheduleMemory {
  /** Due times up to this one are settled: run, left out or missed. */
  readonly settledTo: Millis
  /** The last time whose run did not take place, and why; empty if none. */
  readonly missedAt: Millis | null
  readonly missed: string
  /** What lay in the watched folder when the last run started. */
  readonly ranOn: string
  /** What lies there now, and since when it has not changed. */
  readonly seen: string
  readonly seenAt: Millis
}

/** Of a schedule just set. A time before it was set was never due; what lies in a folder is new. */
export const freshMemory = (now: Millis): ScheduleMemory => ({
  settledTo: now,
  missedAt: null,
  missed: '',
  ranOn: '',
  seen: '',
  seenAt: now,
})

/**
 * What is remembered, where the clock has gone back since: a time that lies further ahead than `lateMs` was
 * never reached, and waiting for it again could take years.
 */
export const upTo = (memory: ScheduleMemory, now: Millis, lateMs: Millis): ScheduleMemory =>
  Math.max(memory.settledTo, memory.seenAt) - now > lateMs
    ? {
        ...memory,
        settledTo: Math.min(memory.settledTo, now),
        seenAt: Math.min(memory.seenAt, now),
      }
    : memory

export interface ScheduleLook {
  readonly memory: ScheduleMemory
  /** When the run that shall start now was due; undefined: none. */
  readonly dueAt?: Millis
}

/** What stands around a schedule when it is looked at. */
export interface ScheduleSurroundings {
  readonly now: Millis
  /** A run of it has not ended, and it may not have two. */
  readonly isBusy: boolean
  /** Somebody paused it: times go by and are not told as missed. */
  readonly isPaused: boolean
}

/**
 * One look at a timetable. A time that passed more than `lateMs` ago was missed: the machine was off or
 * asleep. A time at which the run before still runs is left out. Neither is made up for, both are told.
 */
export const lookAtTimes = (
  memory: ScheduleMemory,
  { now, isBusy, isPaused }: ScheduleSurroundings,
  next: (after: Millis) => Millis | undefined,
  lateMs: Millis,
): ScheduleLook => {
  const first = next(memory.settledTo)
  if (first === undefined || first > now) return { memory }
  const due = lastUpTo(first, now, next)
  const settled = { ...memory, settledTo: due }
  if (isPaused) return { memory: settled }
  if (now - due > lateMs)
    return { memory: { ...settled, missedAt: due, missed: 'the agent did not run' } }
  if (isBusy)
    return { memory: { ...settled, missedAt: due, missed: 'the run before had not ended' } }
  if (first === due) return { memory: settled, dueAt: due }
  // Times before the newest went by while the agent was off.
  return { memory: { ...settled, missedAt: first, missed: 'the agent did not run' }, dueAt: due }
}

/** Due times looked at in one go; a schedule of every second over a week of sleep has more. */
const most = 1_000

const lastUpTo = (
  first: Millis,
  now: Millis,
  next: (after: Millis) => Millis | undefined,
): Millis => {
  let last = first
  for (let seen = 0; seen < most; seen++) {
    const after = next(last)
    if (after === undefined || after > now) return last
    last = after
  }
  // The time just before now is found from nearer.
  const near = next(now - 1_000)
  return near !== undefined && near <= now ? near : last
}

/**
 * One look at a watched folder: a run is due when what lies there differs from what the last run started
 * on, and has not changed for `quietMs`. An empty folder starts nothing. A change during a run waits for
 * its end.
 */
export const lookAtFolder = (
  memory: ScheduleMemory,
  { now, isBusy }: Omit<ScheduleSurroundings, 'isPaused'>,
  folder: { readonly signature: string; readonly files: number },
  quietMs: Millis,
): ScheduleLook => {
  if (folder.signature !== memory.seen)
    return lookAtFolder(
      { ...memory, seen: folder.signature, seenAt: now },
      { now, isBusy },
      folder,
      quietMs,
    )
  if (folder.files === 0) return { memory: { ...memory, ranOn: folder.signature } }
  const isNew = folder.signature !== memory.ranOn
  if (!isNew || now - memory.seenAt < quietMs || isBusy) return { memory }
  return { memory: { ...memory, ranOn: folder.signature, settledTo: now }, dueAt: now }
}
