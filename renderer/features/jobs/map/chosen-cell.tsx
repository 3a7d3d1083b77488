import { useDebouncedValue } from '@mantine/hooks'
import type { AnswerOf } from '../../../../protocol/control/api.ts'
import type { JobView } from '../../../../protocol/control/job-views.ts'
import { useExplain } from '../../../agent/queries.ts'
import { formatCount } from '../../../ui/format.ts'
import { StateShape } from '../../../ui/state-mark.tsx'
import { cellStateAt } from './cells.ts'

/** Cells that are only passed are not asked about. */
const restMs = 250

/** One mini-batch in a line: state, items, peer, and the last that its story tells. */
export const ChosenCell = (props: {
  readonly index: number
  readonly states: string
  readonly job: JobView
  readonly spec: Readonly<Record<string, unknown>> | undefined
  readonly runs: AnswerOf<'miniBatches'> | undefined
}) => {
  const { index, states, job, spec, runs } = props
  const { tone, word } = cellStateAt(states, index)
  const [rested] = useDebouncedValue(index, restMs)
  const story = useExplain({ job: job.id, miniBatch: rested }, word !== 'Pending')
  const items = itemsOf(index, job, spec)
  const peer = runs === undefined ? undefined : peerOf(runs, index)
  const told = rested === index ? lastWords(story.data?.lines ?? []) : ''
  return (
    <>
      <StateShape tone={tone} /> Mini-batch {formatCount(index)} · {word.toLowerCase()}
      {items === '' ? '' : ` · ${items}`}
      {peer === undefined ? '' : ` · ${peer}`}
      {told === '' ? null : <span className="muted clip">{told}</span>}
    </>
  )
}

const itemsOf = (
  index: number,
  job: JobView,
  spec: Readonly<Record<string, unknown>> | undefined,
): string => {
  const size = itemsPerMiniBatch(spec)
  if (size === undefined) return ''
  const last = Math.min(job.items, (index + 1) * size) - 1
  return last < index * size ? '' : `items ${formatCount(index * size)} to ${formatCount(last)}`
}

/** The number that all mini-batches but the last have, if the job is cut by count. */
const itemsPerMiniBatch = (
  spec: Readonly<Record<string, unknown>> | undefined,
): number | undefined => {
  const { inputs, miniBatchSize: size, partitionKeys: keys } = spec ?? {}
  const isEven =
    Array.isArray(inputs) && inputs.length === 1 && !(Array.isArray(keys) && keys.length > 0)
  if (!isEven || typeof size !== 'object' || size === null || !('items' in size)) return undefined
  return typeof size.items === 'number' ? size.items : undefined
}

/** The last run that begins at or before a mini-batch says whose it is. */
const peerOf = (
  { peers, runs, first, states }: AnswerOf<'miniBatches'>,
  index: number,
): string | undefined => {
  if (index < first || index >= first + states.length) return undefined
  const run = runs.findLast(([from]) => from <= index)
  return run === undefined ? undefined : peers[run[1]]?.name
}

/** What became of its halves, or the last line on an attempt: what comes after it only repeats the state. */
const lastWords = (lines: readonly string[]): string => {
  const halves = lines.filter((line) => line.startsWith('Half '))
  return halves.length > 0
    ? halves.join(' ')
    : (lines.findLast((line) => /attempt \d/i.test(line)) ?? '')
}
