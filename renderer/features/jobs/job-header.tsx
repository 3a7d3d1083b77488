import { Button } from '@mantine/core'
import { IconHourglass } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { JobDetailView, JobView } from '../../../protocol/control/job-views.ts'
import { useNow } from '../../agent/context.tsx'
import { useCommand } from '../../agent/queries.ts'
import { AskFirst } from '../../ui/ask-first.tsx'
import { ClippedText } from '../../ui/clipped-text.tsx'
import { CopyLine } from '../../ui/copy-line.tsx'
import { formatAge, formatCount, formatPlural, formatTime } from '../../ui/format.ts'
import { LongText } from '../../ui/long-text.tsx'
import { PauseButton } from '../../ui/pause-button.tsx'
import { Problem } from '../../ui/problem.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { Fact, ThingTitle } from '../../ui/thing-head.tsx'
import { Why } from './why.tsx'
import { Forget } from './forget.tsx'
import { canCancel, canForget, canPause, canRetry, jobStates } from './job-state.ts'
import { ProgressBar, ProgressLine } from './progress-line.tsx'
import { Resubmit } from './resubmit/resubmit.tsx'
import { Reuse } from './reuse.tsx'
import { RetryFailed } from './retry-failed.tsx'
import './jobs.css'

/** Name, state, progress and the facts that stay in sight whatever part of the job is shown. */
export const JobHeader = (props: {
  readonly job: JobView
  readonly detail: JobDetailView | undefined
}) => {
  const { job, detail } = props
  const [why, setWhy] = useState(false)
  const isKept = job.forgotten === null
  return (
    <header className="thing-head">
      <ThingTitle
        to="/jobs"
        word="Jobs"
        name={job.name}
        state={<StateMark {...jobStates[job.state]} />}
      >
        <Button
          size="compact-sm"
          variant="default"
          aria-expanded={why}
          onClick={() => setWhy(!why)}
        >
          Why?
        </Button>
        {canRetry(job) && isKept ? <RetryFailed job={job.id} /> : null}
        {isKept ? <Resubmit job={job} file={detail?.file} /> : null}
        {canPause(job) ? <Pause job={job} /> : null}
        {canCancel(job) ? <Cancel job={job} /> : null}
        {canForget(job) ? <Forget job={job} /> : null}
      </ThingTitle>
      <div className="job-progress-line">
        <ProgressLine job={job} />
      </div>
      <ProgressBar job={job} />
      <Facts job={job} />
      {job.headline === '' ? null : <Problem sentence={job.headline} />}
      {job.reason === '' ? null : <Waits sentence={job.reason} />}
      {why ? <Why query={{ job: job.id }} /> : null}
    </header>
  )
}

/** What the job waits for, and for whom, in the head's own words. */
const Waits = (props: { readonly sentence: string }) => (
  <p className="job-waits" role="status">
    <IconHourglass size="1rem" aria-hidden="true" />
    <LongText text={props.sentence} lines={2} />
  </p>
)

const Facts = (props: { readonly job: JobView }) => {
  const { job } = props
  const now = useNow(10_000)
  return (
    <dl className="facts">
      {job.model === '' ? null : (
        <Fact word="Model">
          <ClippedText text={job.model} className="mono" />
        </Fact>
      )}
      {job.pipeline === '' ? null : (
        <Fact word="Run">
          <Link to="/runs/$run" params={{ run: job.pipeline }} className="link clip">
            {job.pipelineName === job.step ? job.pipelineName : `${job.pipelineName} / ${job.step}`}
          </Link>
        </Fact>
      )}
      <Fact word="Submitted">
        <span
          className="clip clipped"
          title={`${formatTime(job.submittedAt)} by ${job.submitterName}`}
        >
          {formatAge(now - job.submittedAt)} by {job.submitterName}
        </span>
      </Fact>
      <Fact word="Data on">
        <ClippedText text={job.dataPeerName} />
      </Fact>
      <Fact word="Rows kept by">
        <ClippedText text={job.keeperName} />
      </Fact>
      <Fact word="Output" wide>
        {job.output === '' ? (
          <span className="muted">{noOutput(job)}</span>
        ) : (
          <CopyLine text={job.output} what="output path" bare />
        )}
      </Fact>
      {job.reuse === '' ? null : (
        <Fact word="Reuse" wide>
          <span className="clip" title={job.reuse}>
            <Reuse sentence={job.reuse} from={job.takenFrom} />
          </span>
        </Fact>
      )}
      {job.outputFiles === null ? null : (
        <Fact word={formatPlural(job.outputFiles.count, 'file')} wide>
          <CopyLine text={job.outputFiles.folder} what="folder of files" bare />
        </Fact>
      )}
    </dl>
  )
}

const noOutput = (job: JobView): string => {
  if (job.endedAt === null) return 'written when the last row is in'
  return job.rows === 0 ? 'none: there are no rows' : 'none: export the rows from the tab Rows'
}

const Pause = (props: { readonly job: JobView }) => {
  const { job } = props
  const isPaused = job.state === 'Paused'
  const change = useCommand(isPaused ? 'resumeJob' : 'pauseJob')
  return (
    <PauseButton
      isPaused={isPaused}
      act={async () => {
        await change.mutateAsync({ query: { job: job.id } })
        return isPaused ? `${job.name} goes on.` : `${job.name} is paused; that costs nothing.`
      }}
    />
  )
}

const Cancel = (props: { readonly job: JobView }) => {
  const { job } = props
  const cancel = useCommand('cancelJob')
  return (
    <AskFirst
      label="Cancel"
      title={`Cancel ${job.name}?`}
      leave="Let it run"
      confirm="Cancel the job"
      act={async () => {
        await cancel.mutateAsync({ query: { job: job.id } })
        return `Canceling ${job.name}; its rows stay.`
      }}
    >
      Work on its mini-batches stops on all machines. The {formatCount(job.rows)} rows it returned
      so far stay.
    </AskFirst>
  )
}
