import type { SnapshotView } from '../../../protocol/control/views.ts'
import type { StateTone } from '../../theme/colours.ts'
import { formatAge, formatPlural } from '../../ui/format.ts'

/** Something a person should look at: one sentence, and where to look. */
export interface Note {
  readonly key: string
  readonly tone: StateTone
  readonly sentence: string
  readonly to: string
}

/** Failed jobs older than this are history. */
const newsMs = 24 * 60 * 60 * 1_000
/** More would be noise: the pages themselves tell the rest. */
const notesShown = 5

/** What needs a person now, worst first. */
export const attentionOf = (state: SnapshotView, now: number): readonly Note[] => {
  const failed = state.jobs
    .filter(({ state, endedAt }) => state === 'Failed' && now - (endedAt ?? now) < newsMs)
    .map<Note>((job) => ({
      key: job.id,
      tone: 'failed',
      sentence: `${job.name} failed ${formatAge(now - (job.endedAt ?? now))}: ${firstWords(job.headline, job.reason)}`,
      to: `/jobs/${job.id}`,
    }))
  const waiting = state.jobs
    .filter(({ endedAt, reason }) => endedAt === null && reason !== '')
    .map<Note>((job) => ({
      key: job.id,
      tone: 'retried',
      sentence: `${job.name}: ${job.reason}`,
      to: `/jobs/${job.id}`,
    }))
  return [...headNote(state), ...failed, ...waiting, ...lostNote(state)].slice(0, notesShown)
}

const firstWords = (...texts: readonly string[]): string =>
  texts.find((text) => text !== '') ?? 'no reason was given'

const headNote = ({ cluster, machines }: SnapshotView): readonly Note[] => {
  if (cluster === null) return []
  const head = machines.find(({ isHead }) => isHead)
  if (head?.liveness === 'self' || head?.liveness === 'alive') return []
  const name = cluster.headName === '' ? 'The head' : cluster.headName
  return [
    {
      key: 'head',
      tone: 'retried',
      sentence: `${name}, the head, is away: running work goes on, new work waits until it is back.`,
      to: '/machines',
    },
  ]
}

const lostNote = ({ machines }: SnapshotView): readonly Note[] => {
  const silent = machines.filter(({ liveness }) => liveness === 'suspect')
  if (silent.length === 0) return []
  const names = silent.slice(0, 3).map(({ name }) => name)
  const rest = silent.length - names.length
  return [
    {
      key: 'silent',
      tone: 'retried',
      sentence: `No word from ${names.join(', ')}${rest > 0 ? ` and ${formatPlural(rest, 'other')}` : ''} for some seconds.`,
      to: '/machines',
    },
  ]
}
