import { Link } from '@tanstack/react-router'
import type { StepView } from '../../../protocol/control/pipeline-views.ts'
import { durationText } from '../../../protocol/control/progress-line.ts'
import { useSnapshot } from '../../agent/context.tsx'
import { CopyAction } from '../../ui/copy-line.tsx'
import { formatCount } from '../../ui/format.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import { jobStates } from '../jobs/job-state.ts'
import { Reuse } from '../jobs/reuse.tsx'
import { RetryFailed } from '../jobs/retry-failed.tsx'
import { ExportMenu } from '../jobs/rows/export-menu.tsx'
import './runs.css'

/** The steps one below the other, with all that is known of each. */
export const StepsTable = (props: { readonly steps: readonly StepView[] }) => (
  <div className="panel steps-table" tabIndex={0} role="region" aria-label="Steps">
    <table className="list">
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col">State</th>
          <th scope="col">Reads from</th>
          <th scope="col" className="number">
            Items
          </th>
          <th scope="col" className="number">
            Failed
          </th>
          <th scope="col">Taken over</th>
          <th scope="col" className="number">
            Duration
          </th>
          <th scope="col">Output</th>
        </tr>
      </thead>
      <tbody>
        {props.steps.map((step) => (
          <StepRow key={step.name} step={step} />
        ))}
      </tbody>
    </table>
  </div>
)

const StepRow = (props: { readonly step: StepView }) => {
  const { step } = props
  return (
    <tr>
      <td className="step-name">
        {step.job === '' ? (
          <span>{step.name}</span>
        ) : (
          <Link to="/jobs/$job" params={{ job: step.job }} className="link">
            {step.name}
          </Link>
        )}
        {step.reason === '' ? null : <p className="muted small step-reason">{step.reason}</p>}
      </td>
      <td>
        <StateMark {...jobStates[step.state]} />
      </td>
      <td className="step-needs">
        <Needs step={step} />
      </td>
      <td className="number">{itemsText(step)}</td>
      <td className={step.itemsFailed > 0 ? 'number has-failed' : 'number'}>
        {step.job === '' ? '' : formatCount(step.itemsFailed)}
      </td>
      <td className="step-reuse">
        <Reuse sentence={step.reuse} from={step.takenFrom} />
      </td>
      <td className="number">{step.seconds === null ? '' : durationText(step.seconds * 1_000)}</td>
      <td>
        <StepOutput step={step} />
      </td>
    </tr>
  )
}

const needsShown = 3

const Needs = (props: { readonly step: StepView }) => {
  const { needs } = props.step
  if (needs.length === 0) return <span className="muted">its input</span>
  const more = needs.length - needsShown
  return (
    <span title={needs.join(', ')}>
      {needs.slice(0, needsShown).map((name) => (
        <span key={name} className="step-line">
          {name}
        </span>
      ))}
      {more > 0 ? <span className="muted small">and {formatCount(more)} more</span> : null}
    </span>
  )
}

const itemsText = ({ job, items, itemsSucceeded, itemsFailed, seconds }: StepView): string => {
  if (job === '') return ''
  const done = itemsSucceeded + itemsFailed
  return seconds !== null && done >= items
    ? formatCount(items)
    : `${formatCount(done)} / ${formatCount(items)}`
}

/** Where its output lies, its rows as a file, and its failed items once more. */
const StepOutput = (props: { readonly step: StepView }) => {
  const { step } = props
  const { jobs } = useSnapshot()
  if (step.job === '') return null
  // Jobs that are no longer among the newest are here or not; the download says so itself.
  const rowsHere = jobs.find(({ id }) => id === step.job)?.rowsHere ?? step.itemsSucceeded
  return (
    <span className="step-output">
      {step.output === '' ? null : (
        <>
          <code className="mono clip" title={step.output}>
            {step.output.split(/[/\\]/).at(-1)}
          </code>
          <CopyAction text={step.output} what={`output path of ${step.name}`} />
        </>
      )}
      <ExportMenu job={{ id: step.job, rowsHere }} label={`Export rows of ${step.name}`} />
      {step.seconds !== null && step.itemsFailed > 0 ? (
        <RetryFailed job={step.job} step={step.name} />
      ) : null}
    </span>
  )
}
