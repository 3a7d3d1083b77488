import type { FailureGroup, PeerShare } from '#agent/ports/views.ts'
import type { JobView } from '#protocol/control/job-views.ts'
import { headlineTitle } from '#protocol/control/progress-line.ts'
import { csvLine } from '#protocol/model/attempt-log.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import { miniBatchName } from '#protocol/model/half.ts'
import type { Millis, PeerId } from '#protocol/model/ids.ts'
import { plural } from '#protocol/model/plural.ts'
import { specToFile } from '#protocol/spec/spec-to-file.ts'

/** Files about a whole run: texts from facts, nothing else. */

export interface RunFacts {
  readonly fold: JobFold
  readonly view: JobView
  readonly shares: readonly PeerShare[]
  /** Most frequent first. */
  readonly failures: readonly FailureGroup[]
  readonly nameOf: (peer: PeerId) => string
}

/** What `overview.txt` holds: what the job was, who did it, how it went, why things failed. */
export const overviewText = (facts: RunFacts): string => {
  const { fold } = facts
  const parts = [
    fieldLines(fieldsOf(facts)),
    section('Machines', machineLines(facts)),
    section('Causes of failures', causeLines(facts)),
    section(
      'Settings',
      Object.entries(specToFile(fold.job.spec)).map(
        ([name, value]) => `${name}: ${JSON.stringify(value)}`,
      ),
    ),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

/** What `errors.csv` holds: one line for each cause, most frequent first. */
export const errorsCsv = ({ failures, nameOf }: Pick<RunFacts, 'failures' | 'nameOf'>): string => {
  const lines = failures.map(({ count, cause, message, first }) => {
    const place = [first.item, first.miniBatch, first.attempt, nameOf(first.peer)]
    return csvLine([count, cause, message, ...place])
  })
  return [csvLine(errorColumns), ...lines, ''].join('\n')
}

const errorColumns = [
  'count',
  'cause',
  'message',
  'first_item',
  'first_mini_batch',
  'first_attempt',
  'first_peer',
]

const fieldsOf = ({ view, fold }: RunFacts): (readonly [string, string])[] => [
  ['Job', `${view.name} (${view.id})`],
  ['State', view.reason === '' ? view.state : `${view.state}: ${view.reason}`],
  [headlineTitle(view.state), view.headline],
  ['Model', view.model],
  ['Script', fold.job.spec.runtime === 'node' ? fold.job.spec.script.entry : ''],
  ['Submitted', `${timeText(view.submittedAt)} by ${view.submitterName}`],
  ['First rows', timeText(view.startedAt)],
  ['Ended', timeText(view.endedAt)],
  ['Seconds', tookText(view)],
  ['Items', `${view.items}: ${view.itemsSucceeded} succeeded, ${view.itemsFailed} failed`],
  [
    'Mini-batches',
    `${view.miniBatches}: ${view.committed} committed, ${view.failed} failed, ${view.canceled} canceled`,
  ],
  ['Attempts', `${view.committed} committed, ${view.charged} charged`],
  ['Rows', String(view.rows)],
  ['Keeper', view.keeperName],
  ['Data from', view.dataPeerName],
  ['Output', view.output],
  ['Files', view.outputFiles === null ? '' : view.outputFiles.folder],
]

const machineLines = ({ shares, nameOf }: RunFacts): readonly string[] => {
  const items = shares.reduce((sum, share) => sum + share.items, 0)
  return shares.map((share) => {
    const percent = items === 0 ? 0 : Math.round((100 * share.items) / items)
    return `${nameOf(share.peer)}: ${plural(share.items, 'item')} in ${plural(share.miniBatches, 'mini-batch', 'mini-batches')} (${percent} %)`
  })
}

const causeLines = ({ failures, nameOf }: RunFacts): readonly string[] =>
  failures.slice(0, shownCauses).map(({ count, cause, message, first }) => {
    const item = first.item === '' ? '' : `${first.item} in `
    const where = `${item}mini-batch ${miniBatchName(first.miniBatch)}, attempt ${first.attempt} on ${nameOf(first.peer)}`
    return `${count} x ${cause}: ${message} First: ${where}.`
  })

/** An overview is read at a glance; `errors.csv` has the others. */
export const shownCauses = 20

const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : [title, ...lines.map((line) => `  ${oneLine(line)}`), ''].join('\n')

const fieldLines = (fields: readonly (readonly [string, string])[]): string => {
  const shown = fields.filter(([, value]) => value !== '')
  return [...shown.map(([name, value]) => `${name.padEnd(14)}${oneLine(value)}`), ''].join('\n')
}

const oneLine = (text: string): string => text.replaceAll(/\s*[\r\n]+\s*/g, ' ')

const timeText = (at: Millis | null): string => (at === null ? '' : new Date(at).toISOString())

/** From submission to end, as steps of a pipeline tell it, and what progress lines and rates count. */
const tookText = ({ submittedAt, startedAt, endedAt }: JobView): string => {
  if (endedAt === null) return ''
  const all = secondsText(endedAt - submittedAt)
  return startedAt === null
    ? all
    : `${all}, ${secondsText(endedAt - startedAt)} of them since the first rows`
}

const secondsText = (ms: number): string => (Math.max(0, ms) / 1_000).toFixed(1)
