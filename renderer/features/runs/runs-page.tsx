import { Link } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import type { PipelineView } from '../../../protocol/control/pipeline-views.ts'
import { durationText } from '../../../protocol/control/progress-line.ts'
import { useNow } from '../../agent/context.tsx'
import { runsMost, useRuns } from '../../agent/run-queries.ts'
import { Age } from '../../ui/age.tsx'
import { Answer } from '../../ui/answer.tsx'
import { Bar } from '../../ui/bar.tsx'
import { Empty } from '../../ui/empty.tsx'
import { formatPlural } from '../../ui/format.ts'
import { ListFilter } from '../../ui/list-filter.tsx'
import type { ListState } from '../../ui/list-filter.tsx'
import { GridTable } from '../../ui/grid-table.tsx'
import type { GridColumn } from '../../ui/grid-table.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { jobStates } from '../jobs/job-state.ts'
import { NewJobButton } from '../jobs/new-job-button.tsx'
import { parametersText, runMs, stepsDone } from './run-state.ts'
import './runs.css'

const fits: Readonly<Record<ListState, (run: PipelineView) => boolean>> = {
  all: () => true,
  open: ({ endedAt }) => endedAt === null,
  ended: ({ endedAt }) => endedAt !== null,
  failed: ({ state }) => state === 'Failed',
}

/** Everything that was submitted as one file, newest first. */
export const RunsPage = () => {
  const runs = useRuns()
  const [state, setState] = useState<ListState>('all')
  const [text, setText] = useState('')
  const all = runs.data?.pipelines
  const shown = useMemo(() => {
    const words = text.toLowerCase().trim()
    return (all ?? []).filter(
      (run) => fits[state](run) && (words === '' || wordsOf(run).includes(words)),
    )
  }, [all, state, text])
  return (
    <>
      <header className="page-head">
        <h1>Runs</h1>
        <span className="sub">{all === undefined ? '' : countLine(shown.length, all.length)}</span>
        <ListFilter
          {...{ state, setState, text, setText }}
          find="Find a run"
          hint="Name, experiment, parameter"
        />
      </header>
      <div className="panel fill">
        <Answer of={runs} what="the runs">
          {({ pipelines }) =>
            shown.length > 0 ? (
              <GridTable label="Runs" className="runs" rows={shown} columns={columns} />
            ) : pipelines.length > 0 ? (
              <Empty sentence="No run fits this filter." />
            ) : (
              <Empty sentence="A run is one submitted file: a single job, or a pipeline of steps that work on each other’s output. The form takes pipeline files, too.">
                <NewJobButton />
              </Empty>
            )
          }
        </Answer>
      </div>
    </>
  )
}

const wordsOf = (run: PipelineView): string =>
  [
    run.name,
    run.experiment,
    run.submitterName,
    run.id,
    run.description,
    ...Object.values(run.tags),
    ...Object.entries(run.parameters).flat(),
    ...run.steps.map(({ name }) => name),
  ]
    .join(' ')
    .toLowerCase()

const countLine = (shown: number, all: number): string => {
  const of = all < runsMost ? formatPlural(all, 'run') : `the newest ${formatPlural(all, 'run')}`
  return shown === all ? of : `${shown} of ${of}`
}

const Duration = (props: { readonly run: PipelineView }) => {
  const now = useNow()
  return durationText(runMs(props.run, now))
}

/** Steps done of all steps. */
export const StepsBar = (props: { readonly run: PipelineView; readonly thin?: boolean }) => {
  const { run } = props
  const of = (state: string): number =>
    run.steps.filter((step) => step.state === state).length / Math.max(1, run.steps.length)
  return (
    <Bar
      label={`Steps of ${run.name}: ${stepsDone(run)} of ${run.steps.length} done`}
      thin={props.thin ?? false}
      parts={[
        { share: of('Completed'), colour: 'var(--committed-mark)' },
        { share: of('Failed'), colour: 'var(--failed-mark)' },
        { share: of('Running') + of('Finalizing'), colour: 'var(--running-mark)' },
      ]}
    />
  )
}

const columns: readonly GridColumn<PipelineView>[] = [
  {
    id: 'state',
    head: 'State',
    by: (run) => jobStates[run.state].word,
    cell: (run) => <StateMark {...jobStates[run.state]} />,
  },
  {
    id: 'name',
    head: 'Run',
    by: (run) => run.name,
    cell: (run) => (
      <Link to="/runs/$run" params={{ run: run.id }} className="row-link clip" title={run.name}>
        {run.name}
      </Link>
    ),
  },
  {
    id: 'experiment',
    head: 'Experiment',
    by: (run) => run.experiment,
  },
  {
    id: 'steps',
    head: 'Steps done',
    by: (run) => stepsDone(run) / Math.max(1, run.steps.length),
    cell: (run) => (
      <span className="run-steps">
        <StepsBar run={run} thin />
        <span className="n">
          {stepsDone(run)} / {run.steps.length}
        </span>
      </span>
    ),
  },
  {
    id: 'parameters',
    head: 'Parameters',
    by: (run) => parametersText(run.parameters),
    cell: (run) => (
      <span className="muted clip" title={parametersText(run.parameters)}>
        {parametersText(run.parameters)}
      </span>
    ),
  },
  { id: 'by', head: 'By', by: (run) => run.submitterName },
  {
    id: 'submitted',
    head: 'Submitted',
    by: (run) => run.submittedAt,
    cell: (run) => <Age at={run.submittedAt} />,
  },
  {
    id: 'took',
    head: 'Duration',
    number: true,
    by: (run) => runMs(run, Date.now()),
    cell: (run) => <Duration run={run} />,
  },
]
