import { Button, Checkbox } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import type { PipelineView } from '../../../protocol/control/pipeline-views.ts'
import { limits } from '../../../protocol/limits.ts'
import { useComparison, useExperimentRuns } from '../../agent/run-queries.ts'
import { Age } from '../../ui/age.tsx'
import { Answer } from '../../ui/answer.tsx'
import { Empty } from '../../ui/empty.tsx'
import { formatPlural } from '../../ui/format.ts'
import { StateShape } from '../../ui/state-mark.tsx'
import { ThingTitle } from '../../ui/thing-head.tsx'
import { jobStates } from '../jobs/job-state.ts'
import { parametersText } from '../runs/run-state.ts'
import { ComparisonTable } from './comparison-table.tsx'
import './experiments.css'

/** As many columns as fit beside each other on most screens. */
const chosenAtFirst = 5

/** The runs of one experiment, and those that were chosen side by side. */
export const ExperimentPage = () => {
  const { experiment } = useParams({ from: '/experiments/$experiment' })
  const runs = useExperimentRuns(experiment)
  return (
    <>
      <header className="thing-head">
        <ThingTitle to="/experiments" word="Experiments" name={experiment} />
      </header>
      <Answer of={runs} what="the runs">
        {({ pipelines }) =>
          pipelines.length === 0 ? (
            <Empty sentence={`No run is kept under the name “${experiment}”.`} />
          ) : (
            <Runs key={experiment} runs={pipelines} />
          )
        }
      </Answer>
    </>
  )
}

const Runs = (props: { readonly runs: readonly PipelineView[] }) => {
  const { runs } = props
  // Undefined: the newest, also when a newer one comes.
  const [picked, setPicked] = useState<readonly string[]>()
  const chosen = useMemo(
    () => picked ?? runs.slice(0, chosenAtFirst).map(({ id }) => id),
    [picked, runs],
  )
  const comparison = useComparison(chosen)
  const toggle = (id: string): void =>
    setPicked(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id])
  return (
    <div className="experiment">
      <section className="panel run-picker" aria-label="Runs of the experiment">
        <div className="run-picker-head">
          <span className="muted small" role="status">
            {chosen.length} of {formatPlural(runs.length, 'run')} compared
          </span>
          <Button
            size="compact-xs"
            variant="subtle"
            disabled={chosen.length === 0}
            onClick={() => setPicked([])}
          >
            None
          </Button>
        </div>
        <ul tabIndex={0} aria-label="Runs">
          {runs.map((run) => (
            <RunChoice
              key={run.id}
              run={run}
              chosen={chosen.includes(run.id)}
              full={chosen.length >= limits.comparedRuns}
              toggle={toggle}
            />
          ))}
        </ul>
      </section>
      <section className="panel fill" aria-label="Comparison">
        {chosen.length === 0 ? (
          <Empty sentence="Choose runs at the left to see them side by side." />
        ) : (
          <Answer of={comparison} what="the comparison">
            {(known) => <ComparisonTable comparison={known} />}
          </Answer>
        )}
      </section>
    </div>
  )
}

const RunChoice = (props: {
  readonly run: PipelineView
  readonly chosen: boolean
  /** Whether no further run can be compared. */
  readonly full: boolean
  readonly toggle: (id: string) => void
}) => {
  const { run, chosen, full, toggle } = props
  const { word, tone } = jobStates[run.state]
  return (
    <li>
      <Checkbox
        size="xs"
        checked={chosen}
        disabled={full && !chosen}
        onChange={() => toggle(run.id)}
        label={
          <span className="run-choice">
            <span className="run-choice-name">
              <StateShape tone={tone} />
              <span className="clip">
                {run.name} <span className="visually-hidden">{word}</span>
              </span>
              <span className="muted small">
                <Age at={run.submittedAt} />
              </span>
            </span>
            <span className="muted small clip" title={parametersText(run.parameters)}>
              {parametersText(run.parameters) || '\u00a0'}
            </span>
          </span>
        }
      />
    </li>
  )
}
