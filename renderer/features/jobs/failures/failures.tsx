import { useMemo, useState } from 'react'
import type {
  FailureGroupView,
  JobDetailView,
  JobView,
} from '../../../../protocol/control/job-views.ts'
import { isOpen } from '../../../agent/queries.ts'
import { ClippedText } from '../../../ui/clipped-text.tsx'
import { Empty } from '../../../ui/empty.tsx'
import { formatCount, formatMiniBatch } from '../../../ui/format.ts'
import { LongText } from '../../../ui/long-text.tsx'
import { StateMark } from '../../../ui/state-mark.tsx'
import { FailedItems } from './failed-items.tsx'
import './failures.css'

/** The ways to fail, in words. */
const causes: Readonly<Record<string, string>> = {
  item: 'Bad item',
  threw: 'Threw',
  'timed-out': 'Timed out',
  'process-died': 'Process died',
  'not-loaded': 'Not loaded in time',
}

/** Failures grouped by cause, the most frequent first, and below them the items they befell. */
export const Failures = (props: {
  readonly job: JobView
  readonly detail: JobDetailView | undefined
}) => {
  const { job, detail } = props
  const [chosen, setChosen] = useState<string>()
  const sorted = useMemo(
    () => [...(detail?.failures ?? [])].sort((a, b) => b.count - a.count),
    [detail?.failures],
  )
  if (detail === undefined) return <p className="muted">Asking for the failures …</p>
  if (sorted.length === 0) return <Empty sentence="Nothing has failed in this job." />
  const hasItems = sorted.some(({ cause }) => cause === 'item')
  return (
    <section className="failures" aria-label="Failures">
      <div
        className={hasItems ? 'panel scroll-panel failure-groups' : 'panel scroll-panel'}
        tabIndex={0}
        role="region"
        aria-label="Causes"
      >
        <Groups groups={sorted} chosen={chosen} choose={setChosen} />
      </div>
      {hasItems ? (
        <FailedItems
          job={job.id}
          open={isOpen(job)}
          common={sorted.find(({ message }) => message === chosen)?.common}
          showAll={() => setChosen(undefined)}
        />
      ) : null}
    </section>
  )
}

const Groups = (props: {
  readonly groups: readonly FailureGroupView[]
  readonly chosen: string | undefined
  readonly choose: (message: string | undefined) => void
}) => (
  <table className="list">
    <thead>
      <tr>
        <th scope="col">Cause</th>
        <th scope="col" className="number">
          Count
        </th>
        <th scope="col">What happened</th>
        <th scope="col">First at</th>
        <th scope="col">Peer</th>
      </tr>
    </thead>
    <tbody>
      {props.groups.map((group) => (
        <Group key={`${group.cause} ${group.message}`} group={group} {...props} />
      ))}
    </tbody>
  </table>
)

const Group = (props: {
  readonly group: FailureGroupView
  readonly chosen: string | undefined
  readonly choose: (message: string | undefined) => void
}) => {
  const { group, chosen, choose } = props
  const { cause, message, count, first } = group
  const isChosen = chosen === message
  return (
    <tr className={isChosen ? 'chosen' : undefined}>
      <td>
        <StateMark
          // Attempts that were tried again cost time, not rows.
          tone={cause === 'item' ? 'failed' : 'retried'}
          word={causes[cause] ?? cause}
        />
      </td>
      <td className="number">{formatCount(count)}</td>
      <td>
        {cause === 'item' ? (
          <button
            type="button"
            className="failure-words"
            aria-pressed={isChosen}
            title={isChosen ? 'Show the items of all causes' : 'Show only these items'}
            onClick={() => choose(isChosen ? undefined : message)}
          >
            <span className={isChosen ? 'long-words' : 'long-words cut'}>{message}</span>
          </button>
        ) : (
          <LongText text={message} lines={2} />
        )}
      </td>
      <td className="failure-place">
        {first.item === '' ? null : <ClippedText text={first.item} className="mono" />}
        <span className="muted small">
          mini-batch {formatMiniBatch(first.miniBatch)}, attempt {first.attempt}
        </span>
      </td>
      <td className="failure-peer">
        <ClippedText text={first.peerName} />
      </td>
    </tr>
  )
}
