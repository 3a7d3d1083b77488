import type { Clock } from '#agent/ports/clock.ts'
import type { Log } from '#agent/ports/log.ts'
import type { Views } from '#agent/ports/views.ts'
import { thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { Millis } from '#protocol/model/ids.ts'
import type { Job, JobSpec } from '#protocol/model/job.ts'

/**
 * How many processes of each kind of job fit this machine's memory, as far as one of them ran out of it. Kept over
 * restarts, forgotten after a week and when a process may use more than then.
 */
export interface MemoryBook {
  /** Reads what was noted before this start. */
  readonly load: () => Promise<void>
  /** Processes of the job at once; undefined: none of its kind ran out beside others. */
  readonly fits: (job: Job) => number | undefined
  /** A process ran out beside `processes` others, perhaps none, while it ran so many items. */
  readonly ranOut: (job: Job, processes: number, items: number) => void
  /** What is known of the job's kind; undefined: nothing. */
  readonly sentenceOf: (job: Job) => string | undefined
  /** What is known, newest first. */
  readonly sentences: () => readonly string[]
}

export interface MemoryBookDeps {
  readonly clock: Clock
  readonly log: Log
  readonly views: Pick<Views, 'setting' | 'setSetting'>
  /** Memory that one process may use now. */
  readonly memoryBytes: () => number
  /** Names the kind of a job. */
  readonly kindOf: (spec: JobSpec) => string
}

interface Note {
  readonly kind: string
  readonly jobName: string
  /** How many run at once from then on; 0: it was alone, so their number does not matter. */
  readonly processes: number
  readonly items: number
  /** What one process might use then. */
  readonly memoryBytes: number
  readonly at: Millis
}

const settingName = 'memory-book'

export const createMemoryBook = (deps: MemoryBookDeps): MemoryBook => {
  const { clock, views, log } = deps
  let notes: readonly Note[] = []
  const stillCounts = ({ at, memoryBytes }: Note): boolean =>
    at > clock.now() - limits.memoryNoteMs && deps.memoryBytes() <= memoryBytes
  const find = ({ spec }: Job): Note | undefined => {
    const kind = notes.length === 0 ? '' : deps.kindOf(spec)
    return notes.find((note) => note.kind === kind && stillCounts(note))
  }
  return {
    load: async () => {
      const found = await views.setting(settingName)
      notes = Array.isArray(found) ? found.filter(isNote) : []
    },
    fits: (job) => {
      const processes = find(job)?.processes ?? 0
      return processes === 0 ? undefined : processes
    },
    ranOut: (job, processes, items) => {
      const before = find(job)?.processes ?? 0
      const note: Note = {
        kind: deps.kindOf(job.spec),
        jobName: job.spec.name,
        processes: before > 0 && processes > 0 ? Math.min(before, processes) : before + processes,
        items,
        memoryBytes: deps.memoryBytes(),
        at: clock.now(),
      }
      notes = [note, ...notes.filter((one) => one.kind !== note.kind && stillCounts(one))].slice(
        0,
        limits.memoryNotes,
      )
      views
        .setSetting(settingName, notes)
        .catch((thrown: unknown) =>
          log.warn('what ran out of memory could not be noted', { detail: thrownToText(thrown) }),
        )
    },
    sentenceOf: (job) => {
      const note = find(job)
      return note === undefined ? undefined : toSentence(note)
    },
    sentences: () => notes.filter(stillCounts).map(toSentence),
  }
}

const isNote = (value: unknown): value is Note => {
  if (typeof value !== 'object' || value === null) return false
  const note = value as Readonly<Record<string, unknown>>
  return (
    typeof note['kind'] === 'string' &&
    typeof note['jobName'] === 'string' &&
    [note['processes'], note['items'], note['memoryBytes'], note['at']].every(Number.isFinite)
  )
}

const toSentence = ({ jobName, processes, items, memoryBytes, at }: Note): string => {
  const ran = items === 1 ? '1 item' : `${items} items`
  const what = `A process of ${jobName} ran out of memory on this machine on ${dayOf(at)}, with ${ran} and`
  return processes === 0
    ? `${what} no other beside it, of the ${(memoryBytes / gib).toFixed(1)} GB that one may use: to run fewer at once would not help, smaller mini-batches or fewer slots may.`
    : `${what} ${processes + 1} processes at once: jobs of its kind run ${processes} at once here until ${dayOf(at + limits.memoryNoteMs)}.`
}

const gib = 1024 ** 3

const dayOf = (at: Millis): string => new Date(at).toISOString().slice(0, 10)
