import { Switch } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { Fragment, useState } from 'react'
import type { ComparisonView } from '../../../protocol/control/pipeline-views.ts'
import { durationText } from '../../../protocol/control/progress-line.ts'
import { Age } from '../../ui/age.tsx'
import { Bar } from '../../ui/bar.tsx'
import { Empty } from '../../ui/empty.tsx'
import { formatCount, formatPercent, formatPlural } from '../../ui/format.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import { jobStates } from '../jobs/job-state.ts'
import './experiments.css'

type Run = ComparisonView['runs'][number]

/** A run a column: what came of it, then its settings, differing ones first and marked. */
export const ComparisonTable = (props: { readonly comparison: ComparisonView }) => {
  const { runs, settings } = props.comparison
  const [onlyDiffering, setOnlyDiffering] = useState(false)
  const differing = settings.filter(({ differs }) => differs)
  const shown = onlyDiffering ? differing : settings
  if (runs.length === 0) return <Empty sentence="None of the chosen runs is known any longer." />
  return (
    <>
      <div className="comparison-bar">
        <span className="muted small" role="status">
          {runs.length === 1
            ? 'One run: choose another to see what differs.'
            : `${formatPlural(differing.length, 'setting differs', 'settings differ')}, ${formatCount(settings.length - differing.length)} are the same.`}
        </span>
        <Switch
          size="xs"
          label="Only what differs"
          checked={onlyDiffering}
          onChange={(event) => setOnlyDiffering(event.currentTarget.checked)}
        />
      </div>
      <div className="comparison" tabIndex={0} role="region" aria-label="Runs side by side">
        <table>
          <Heads runs={runs} />
          <Outcomes runs={runs} />
          <Settings runs={runs} settings={shown} />
        </table>
      </div>
    </>
  )
}

const Heads = (props: { readonly runs: readonly Run[] }) => (
  <thead>
    <tr>
      <th scope="col">
        <span className="visually-hidden">Setting</span>
      </th>
      {props.runs.map((run) => (
        <th scope="col" key={run.id}>
          <Link to="/runs/$run" params={{ run: run.id }} className="link clip">
            {run.name}
          </Link>
          <span className="muted small">
            <Age at={run.submittedAt} />
          </span>
        </th>
      ))}
    </tr>
  </thead>
)

const Outcomes = (props: { readonly runs: readonly Run[] }) => {
  const { runs } = props
  return (
    <tbody>
      <Outcome word="State" runs={runs} cell={(run) => <StateMark {...jobStates[run.state]} />} />
      <Outcome word="Duration" runs={runs} cell={(run) => <Took run={run} runs={runs} />} />
      <Outcome word="Items" runs={runs} cell={(run) => formatCount(run.items)} />
      <Outcome word="Items per second" runs={runs} cell={rateOf} />
      <Outcome word="Succeeded" runs={runs} cell={succeededOf} />
      <Outcome
        word="Failed"
        runs={runs}
        cell={(run) => (
          <span className={run.itemsFailed > 0 ? 'has-failed' : undefined}>
            {formatCount(run.itemsFailed)}
          </span>
        )}
      />
      {runs.some(({ headline }) => headline !== '') ? (
        <Outcome
          word="First cause"
          runs={runs}
          cell={(run) => <span className="comparison-words">{run.headline}</span>}
        />
      ) : null}
    </tbody>
  )
}

const Settings = (props: {
  readonly runs: readonly Run[]
  readonly settings: ComparisonView['settings']
}) => (
  <tbody className="comparison-settings">
    {props.settings.map(({ name, values, differs }) => (
      <tr key={name} className={differs ? 'differs' : undefined}>
        <th scope="row">
          <span className="mono">{breakable(name)}</span>{' '}
          {differs ? <span className="tag">differs</span> : null}
        </th>
        {values.map((value, at) => (
          <td key={props.runs[at]?.id ?? at} className="mono">
            {value === null ? (
              <span className="muted">not set</span>
            ) : (
              <span className="comparison-value" title={value}>
                {value}
              </span>
            )}
          </td>
        ))}
      </tr>
    ))}
  </tbody>
)

const Outcome = (props: {
  readonly word: string
  readonly runs: readonly Run[]
  readonly cell: (run: Run) => React.ReactNode
}) => (
  <tr>
    <th scope="row">{props.word}</th>
    {props.runs.map((run) => (
      <td key={run.id} className="n">
        {props.cell(run)}
      </td>
    ))}
  </tr>
)

/** The time with a bar against the slowest of them. */
const Took = (props: { readonly run: Run; readonly runs: readonly Run[] }) => {
  const { run, runs } = props
  const slowest = Math.max(...runs.map(({ seconds }) => seconds ?? 0))
  if (run.seconds === null) return <span className="muted">not ended</span>
  const share = slowest === 0 ? 0 : run.seconds / slowest
  return (
    <span className="comparison-took">
      {durationText(run.seconds * 1_000)}
      <Bar
        label={`Duration of ${run.name}, of the slowest`}
        thin
        parts={[{ share, colour: 'var(--waiting-mark)' }]}
      />
    </span>
  )
}

const rateOf = ({ items, itemsFailed, itemsSucceeded, seconds }: Run): string => {
  if (seconds === null || seconds === 0 || items === 0) return '–'
  const rate = (itemsSucceeded + itemsFailed) / seconds
  return rate < 10 ? rate.toFixed(1) : formatCount(rate)
}

const succeededOf = ({ items, itemsSucceeded }: Run): string =>
  items === 0 ? '0' : `${formatCount(itemsSucceeded)} (${formatPercent(itemsSucceeded / items)})`

/** A long dotted name may go on in the next line after a dot or a low line. */
const breakable = (name: string): React.ReactNode =>
  name.split(/(?<=[._])/).map((part, at) => (
    <Fragment key={at}>
      {part}
      <wbr />
    </Fragment>
  ))
