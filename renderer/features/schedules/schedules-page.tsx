import { Link } from '@tanstack/react-router'
import type { PipelineView, ScheduleView } from '../../../protocol/control/pipeline-views.ts'
import { useNow, useSnapshot } from '../../agent/context.tsx'
import { useCommand } from '../../agent/queries.ts'
import { useRuns, useSchedules } from '../../agent/run-queries.ts'
import { Age } from '../../ui/age.tsx'
import { AskFirst } from '../../ui/ask-first.tsx'
import { Answer } from '../../ui/answer.tsx'
import { CopyLine } from '../../ui/copy-line.tsx'
import { Empty } from '../../ui/empty.tsx'
import { formatPlural, formatSpan, formatTime } from '../../ui/format.ts'
import { PauseButton } from '../../ui/pause-button.tsx'
import { StateMark, StateShape } from '../../ui/state-mark.tsx'
import { jobStates } from '../jobs/job-state.ts'
import { parametersText } from '../runs/run-state.ts'
import { cronWords } from './cron-words.ts'
import './schedules.css'

/** What is run again and again, when next, and what became of it last. */
export const SchedulesPage = () => {
  const schedules = useSchedules()
  const runs = useRuns()
  const count = schedules.data?.schedules.length
  return (
    <>
      <header className="page-head">
        <h1>Schedules</h1>
        <span className="sub">{count === undefined ? '' : formatPlural(count, 'schedule')}</span>
      </header>
      <div className="panel schedules" tabIndex={0} role="region" aria-label="Schedules">
        <Answer of={schedules} what="the schedules">
          {({ schedules: known }) =>
            known.length > 0 ? (
              <ScheduleTable schedules={known} runs={runs.data?.pipelines ?? []} />
            ) : (
              <Empty sentence="A file with a schedule is run again and again: at times, or when a watched folder changes. Add `schedule: { cron: '0 6 * * *' }` to a job file and submit it.">
                <CopyLine text="muster job submit FILE" what="command" />
              </Empty>
            )
          }
        </Answer>
      </div>
    </>
  )
}

const ScheduleTable = (props: {
  readonly schedules: readonly ScheduleView[]
  readonly runs: readonly PipelineView[]
}) => (
  <table className="list">
    <thead>
      <tr>
        <th scope="col">Schedule</th>
        <th scope="col">When</th>
        <th scope="col">Next</th>
        <th scope="col">Last run</th>
        <th scope="col">Set</th>
        <th scope="col">
          <span className="visually-hidden">What can be done</span>
        </th>
      </tr>
    </thead>
    <tbody>
      {props.schedules.map((schedule) => (
        <tr key={schedule.id}>
          <td>
            <span className="schedule-name">{schedule.name}</span>
            <Notes schedule={schedule} />
          </td>
          <td>
            <When schedule={schedule} />
          </td>
          <td>
            <Next schedule={schedule} />
          </td>
          <td>
            <LastRun
              schedule={schedule}
              run={props.runs.find(({ id }) => id === schedule.lastRun)}
            />
          </td>
          <td>
            <span className="schedule-line">
              <Age at={schedule.setAt} />
            </span>
            <span className="muted small schedule-line">by {schedule.submitterName}</span>
          </td>
          <td className="number">
            <span className="schedule-buttons">
              <Pause schedule={schedule} />
              <Remove schedule={schedule} />
            </span>
          </td>
        </tr>
      ))}
    </tbody>
  </table>
)

const When = (props: { readonly schedule: ScheduleView }) => {
  const { kind, when, timezone, overlap } = props.schedule
  const words = kind === 'cron' ? cronWords(when) : 'when files come, go or change in'
  const zone = timezone === '' ? '' : timezone
  return (
    <>
      {words === undefined ? null : <span>{sentence(words)}</span>}
      <span className="schedule-exact muted small">
        <code className="mono clip" title={when}>
          {when}
        </code>
        {zone === '' ? null : <span>{zone}</span>}
        {overlap ? <span>may overlap</span> : null}
      </span>
    </>
  )
}

const sentence = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1)

const Next = (props: { readonly schedule: ScheduleView }) => {
  const { kind, nextAt, pausedAt } = props.schedule
  const now = useNow()
  if (pausedAt !== null) return <StateMark {...jobStates.Paused} />
  if (kind === 'folder') return <span className="muted schedule-line">with the next change</span>
  if (nextAt === null) return <span className="muted">never again</span>
  return (
    <>
      <span className="n">{nextAt > now ? `in ${formatSpan(nextAt - now)}` : 'now'}</span>
      <span className="muted small schedule-line">{formatTime(nextAt)}</span>
    </>
  )
}

const LastRun = (props: {
  readonly schedule: ScheduleView
  readonly run: PipelineView | undefined
}) => {
  const { schedule, run } = props
  const { agent } = useSnapshot()
  if (schedule.lastRun === null)
    return (
      <span className="muted">
        {schedule.submitter === agent.peer ? 'none yet' : `known on ${schedule.submitterName}`}
      </span>
    )
  return (
    <Link to="/runs/$run" params={{ run: schedule.lastRun }} className="link schedule-last">
      {run === undefined ? 'Show the run' : <StateMark {...jobStates[run.state]} />}
      {run === undefined ? null : (
        <span className="small">
          <Age at={run.submittedAt} />
        </span>
      )}
    </Link>
  )
}

/** What went wrong, what was left out, and with which parameters it runs. */
const Notes = (props: { readonly schedule: ScheduleView }) => {
  const { problem, missed, missedAt, parameters } = props.schedule
  const given = parametersText(parameters)
  return (
    <>
      {given === '' ? null : <span className="muted small schedule-line">{given}</span>}
      {problem === '' ? null : (
        <span className="schedule-note failed">
          <StateShape tone="failed" />
          {problem}
        </span>
      )}
      {missedAt === null ? null : (
        <span className="schedule-note">
          <StateShape tone="retried" />
          Left out {formatTime(missedAt)}: {missed}
        </span>
      )}
    </>
  )
}

/** Only the machine that runs a schedule can pause it. */
const Pause = (props: { readonly schedule: ScheduleView }) => {
  const { id, name, submitter, pausedAt } = props.schedule
  const isPaused = pausedAt !== null
  const change = useCommand(isPaused ? 'resumeSchedule' : 'pauseSchedule')
  const again = useSchedules()
  const { agent } = useSnapshot()
  if (submitter !== agent.peer) return null
  return (
    <PauseButton
      isPaused={isPaused}
      of={name}
      act={async () => {
        await change.mutateAsync({ query: { schedule: id } })
        void again.refetch()
        return isPaused
          ? `${name} is scheduled again.`
          : `${name} starts no runs until it is resumed.`
      }}
    />
  )
}

/** Only the machine that runs a schedule can end it. */
const Remove = (props: { readonly schedule: ScheduleView }) => {
  const { schedule } = props
  const remove = useCommand('removeSchedule')
  const again = useSchedules()
  const { agent } = useSnapshot()
  if (schedule.submitter !== agent.peer) return null
  return (
    <AskFirst
      label="Remove"
      name={`Remove ${schedule.name}`}
      title={`Remove ${schedule.name}?`}
      leave="Keep it"
      confirm="Remove the schedule"
      act={async () => {
        await remove.mutateAsync({ query: { schedule: schedule.id } })
        void again.refetch()
        return `${schedule.name} is no longer scheduled.`
      }}
    >
      No further run starts by it. Runs that have begun go on, and their rows stay.
    </AskFirst>
  )
}
