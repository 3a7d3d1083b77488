import { Link } from '@tanstack/react-router'
import type { JobView } from '../../../protocol/control/job-views.ts'
import type { MachineView, SnapshotView } from '../../../protocol/control/views.ts'
import { useNow, useSnapshot } from '../../agent/context.tsx'
import { ClippedText } from '../../ui/clipped-text.tsx'
import { CopyLine } from '../../ui/copy-line.tsx'
import { Empty } from '../../ui/empty.tsx'
import { formatAge, formatCount, formatPlural } from '../../ui/format.ts'
import { StateMark, StateShape } from '../../ui/state-mark.tsx'
import { jobStates } from '../jobs/job-state.ts'
import { NewJobButton } from '../jobs/new-job-button.tsx'
import { ProgressBar, ProgressLine } from '../jobs/progress-line.tsx'
import { ClusterStart } from '../machines/cluster-start.tsx'
import { SlotDots } from '../machines/slot-dots.tsx'
import { isPresent, machineState } from '../machines/machine-state.ts'
import { attentionOf } from './attention.ts'
import './overview.css'

/** The first page: who works now, what runs, what needs a person. */
export const OverviewPage = () => {
  const state = useSnapshot()
  return (
    <>
      <header className="page-head">
        <h1>{state.cluster === null ? 'Welcome' : state.cluster.name}</h1>
        {state.cluster === null ? null : <Summary state={state} />}
      </header>
      {state.cluster === null ? (
        <ClusterStart />
      ) : (
        <div className="overview">
          <div className="overview-main">
            <Attention state={state} />
            <RunningJobs jobs={state.jobs} />
            <EndedJobs jobs={state.jobs} />
          </div>
          <MachinesNow machines={state.machines} />
        </div>
      )}
    </>
  )
}

const Summary = (props: { readonly state: SnapshotView }) => {
  const { machines, jobs } = props.state
  const present = machines.filter(isPresent)
  const slots = present.reduce((sum, { slots }) => sum + slots, 0)
  const busy = present.reduce((sum, { busySlots }) => sum + busySlots, 0)
  const rate = jobs.reduce(
    (sum, { itemsPerSecond, endedAt }) => sum + (endedAt === null ? (itemsPerSecond ?? 0) : 0),
    0,
  )
  return (
    <dl className="figures">
      <Figure word="machines" value={`${present.length} / ${machines.length}`} />
      <Figure word="slots busy" value={`${busy} / ${slots}`} />
      <Figure word="items/s" value={formatCount(rate)} />
    </dl>
  )
}

const Figure = (props: { readonly word: string; readonly value: string }) => (
  <div className="figure">
    <dt>{props.word}</dt>
    <dd>{props.value}</dd>
  </div>
)

const Attention = (props: { readonly state: SnapshotView }) => {
  const now = useNow()
  const notes = attentionOf(props.state, now)
  if (notes.length === 0) return null
  return (
    <section className="panel" aria-labelledby="attention">
      <h2 id="attention" className="panel-title">
        Needs attention
      </h2>
      <ul>
        {notes.map(({ key, tone, sentence, to }) => (
          <li key={key}>
            <Link to={to} className="note">
              <StateShape tone={tone} />
              <span className="note-words" title={sentence}>
                {sentence}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  )
}

const RunningJobs = (props: { readonly jobs: readonly JobView[] }) => {
  const running = props.jobs.filter(({ endedAt }) => endedAt === null)
  return (
    <section className="panel" aria-labelledby="running">
      <h2 id="running" className="panel-title">
        Running jobs
      </h2>
      {running.length === 0 ? (
        <Empty sentence="Nothing runs now. A new job is shared out among the machines." isSmall>
          <NewJobButton />
        </Empty>
      ) : (
        <ul>
          {running.map((job) => (
            <li key={job.id}>
              <Link to="/jobs/$job" params={{ job: job.id }} className="running-job">
                <span className="running-name">
                  <span className="clip">{job.name}</span>
                  <StateMark {...jobStates[job.state]} />
                </span>
                <ProgressLine job={job} />
                <ProgressBar job={job} />
                {job.reason === '' ? null : (
                  <span className="muted small note-words">{job.reason}</span>
                )}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

const EndedJobs = (props: { readonly jobs: readonly JobView[] }) => {
  const now = useNow(10_000)
  const ended = props.jobs.filter(({ endedAt }) => endedAt !== null).slice(0, 6)
  if (ended.length === 0) return null
  return (
    <section className="panel" aria-labelledby="ended">
      <h2 id="ended" className="panel-title">
        Ended lately
        <Link to="/jobs" className="link">
          All jobs
        </Link>
      </h2>
      <ul>
        {ended.map((job) => (
          <li key={job.id}>
            <Link to="/jobs/$job" params={{ job: job.id }} className="ended-job">
              <StateMark {...jobStates[job.state]} />
              <ClippedText text={job.name} />
              <span className="muted clip">
                <ProgressLine job={job} />
              </span>
              <span className="muted ended-age">{formatAge(now - (job.endedAt ?? now))}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Enough for an office floor; the rest is one click away. */
const machinesShown = 14

const MachinesNow = (props: { readonly machines: readonly MachineView[] }) => {
  const now = useNow()
  const rank = ({ busySlots, liveness }: MachineView): number =>
    busySlots > 0 ? 0 : liveness === 'self' || liveness === 'alive' ? 1 : 2
  const sorted = [...props.machines].sort(
    (a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name),
  )
  const more = sorted.length - machinesShown
  return (
    <section className="panel" aria-labelledby="machines-now">
      <h2 id="machines-now" className="panel-title">
        Machines now
        <Link to="/machines" className="link">
          {more > 0 ? formatPlural(more, 'more', 'more') : 'Details'}
        </Link>
      </h2>
      <ul>
        {sorted.slice(0, machinesShown).map((machine) => {
          const { word, tone, reason } = machineState(machine, now)
          return (
            <li key={machine.peer} className="machine-line">
              <span className="machine-line-name clip">
                {machine.name}
                {machine.isHead ? <span className="tag">head</span> : null}
              </span>
              <SlotDots busy={machine.busySlots} slots={machine.slots} />
              <span className="machine-line-state">
                <StateMark tone={tone} word={word} />
                <span className="muted small clip" title={reason}>
                  {reason}
                </span>
              </span>
            </li>
          )
        })}
      </ul>
      {props.machines.length <= 1 ? (
        <div className="machine-line-more">
          <span className="muted">A second machine doubles the work done: invite one.</span>
          <CopyLine text="muster cluster invite" what="command" />
        </div>
      ) : null}
    </section>
  )
}
