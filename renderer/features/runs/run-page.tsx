import { Link, useParams } from '@tanstack/react-router'
import { useEffect } from 'react'
import type { PipelineView } from '../../../protocol/control/pipeline-views.ts'
import { durationText } from '../../../protocol/control/progress-line.ts'
import { useNow } from '../../agent/context.tsx'
import { useCommand } from '../../agent/queries.ts'
import { useRun } from '../../agent/run-queries.ts'
import { AskFirst } from '../../ui/ask-first.tsx'
import { Answer } from '../../ui/answer.tsx'
import { formatAge, formatTime } from '../../ui/format.ts'
import { PauseButton } from '../../ui/pause-button.tsx'
import { Problem } from '../../ui/problem.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { Fact, ThingTitle } from '../../ui/thing-head.tsx'
import { jobStates } from '../jobs/job-state.ts'
import { ResubmitRun } from './resubmit-run.tsx'
import { runMs, stepsDone } from './run-state.ts'
import { StepsBar } from './runs-page.tsx'
import { StepGraph } from './step-graph.tsx'
import { StepsTable } from './steps-table.tsx'
import './runs.css'

/** One run: its parameters, its steps with what each reads from, and what became of them. */
export const RunPage = () => {
  const { run: id } = useParams({ from: '/runs/$run' })
  const run = useRun(id)
  useTitle(run.data)
  return (
    <Answer of={run} what="the run">
      {(known) => <Run run={known} />}
    </Answer>
  )
}

const Run = (props: { readonly run: PipelineView }) => {
  const { run } = props
  const isOver = run.endedAt !== null || run.state === 'CancelRequested'
  return (
    <div className="run">
      <header className="thing-head">
        <ThingTitle
          to="/runs"
          word="Runs"
          name={run.name}
          state={<StateMark {...jobStates[run.state]} />}
        >
          <ResubmitRun run={run} />
          {isOver ? null : <PauseRun run={run} />}
          {isOver ? null : <CancelRun run={run} />}
        </ThingTitle>
        <div className="run-line">
          {stepsDone(run)} / {run.steps.length} steps done
        </div>
        <StepsBar run={run} />
        <Facts run={run} />
        {run.headline === '' ? null : <Problem sentence={run.headline} />}
      </header>
      <Parameters run={run} />
      {run.steps.length > 1 ? <StepGraph steps={run.steps} name={run.name} /> : null}
      <StepsTable steps={run.steps} />
    </div>
  )
}

const Facts = (props: { readonly run: PipelineView }) => {
  const { run } = props
  const now = useNow()
  return (
    <dl className="facts">
      <Fact word="Experiment">
        <Link
          to="/experiments/$experiment"
          params={{ experiment: run.experiment }}
          className="link clip"
        >
          {run.experiment}
        </Link>
      </Fact>
      <Fact word="Submitted">
        <span title={formatTime(run.submittedAt)}>
          {formatAge(now - run.submittedAt)} by {run.submitterName}
        </span>
      </Fact>
      <Fact word={run.endedAt === null ? 'Running for' : 'Took'}>
        <span className="n">{durationText(runMs(run, now))}</span>
      </Fact>
      <Fact word="Origin" wide>
        <span className="clip" title={run.origin}>
          {run.origin}
        </span>
      </Fact>
      {run.continueOnStepFailure ? <Fact word="When a step fails">others go on</Fact> : null}
      {run.regenerateOutputs ? <Fact word="Reuse">none, all is computed anew</Fact> : null}
    </dl>
  )
}

const Parameters = (props: { readonly run: PipelineView }) => {
  const entries = Object.entries(props.run.parameters)
  if (entries.length === 0) return null
  return (
    <div className="run-parameters" role="region" aria-label="Parameters" tabIndex={0}>
      <dl>
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="mono clip" title={String(value)}>
              {String(value)}
            </dd>
          </div>
        ))}
      </dl>
    </div>
  )
}

/** A run whose jobs were all paused one by one goes on by the same button. */
const PauseRun = (props: { readonly run: PipelineView }) => {
  const { run } = props
  const isPaused = run.pausedAt !== null || run.state === 'Paused'
  const change = useCommand(isPaused ? 'resumePipeline' : 'pausePipeline')
  const again = useRun(run.id)
  return (
    <PauseButton
      isPaused={isPaused}
      act={async () => {
        await change.mutateAsync({ query: { pipeline: run.id } })
        void again.refetch()
        return isPaused
          ? `${run.name} goes on.`
          : `${run.name} is paused: its jobs stop, and no further step starts.`
      }}
    />
  )
}

const CancelRun = (props: { readonly run: PipelineView }) => {
  const { run } = props
  const cancel = useCommand('cancelPipeline')
  return (
    <AskFirst
      label="Cancel"
      title={`Cancel ${run.name}?`}
      leave="Let it run"
      confirm="Cancel the run"
      act={async () => {
        await cancel.mutateAsync({ query: { pipeline: run.id } })
        return `Canceling ${run.name}; its rows stay.`
      }}
    >
      All its jobs stop, and steps that have not begun never do. Rows returned so far stay.
    </AskFirst>
  )
}

/** The browser tab tells how far the run is. */
const useTitle = (run: PipelineView | undefined): void => {
  const title =
    run === undefined
      ? 'Muster'
      : run.endedAt === null
        ? `${stepsDone(run)}/${run.steps.length} ${run.name} · Muster`
        : `${run.name} · Muster`
  useEffect(() => {
    document.title = title
    return () => {
      document.title = 'Muster'
    }
  }, [title])
}
