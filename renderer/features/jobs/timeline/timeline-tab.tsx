import { Button, SegmentedControl } from '@mantine/core'
import { useMemo, useState } from 'react'
import { durationText } from '../../../../protocol/control/progress-line.ts'
import type { JobView } from '../../../../protocol/control/job-views.ts'
import type { MachineView } from '../../../../protocol/control/views.ts'
import { useSnapshot } from '../../../agent/context.tsx'
import { isOpen } from '../../../agent/queries.ts'
import { Empty } from '../../../ui/empty.tsx'
import { formatMiniBatch } from '../../../ui/format.ts'
import { Problem } from '../../../ui/problem.tsx'
import { StateShape } from '../../../ui/state-mark.tsx'
import { Why } from '../why.tsx'
import { layLanes, outcomes } from './spans.ts'
import type { Bar, Lane, SpanBook } from './spans.ts'
import { TimelineCanvas } from './timeline-canvas.tsx'
import { TimelineTable } from './timeline-table.tsx'
import { useSpans } from './use-spans.ts'
import { clockText, extentOf, lastMinutes, within } from './view.ts'
import type { TimeView } from './view.ts'
import './timeline.css'

/** Who ran what and when: a lane for each peer, a bar for each attempt of a mini-batch. */
export const TimelineTab = (props: { readonly job: JobView }) => {
  const { job } = props
  const { book, error, asked } = useSpans(job.id, isOpen(job))
  const lanes = useMemo(() => layLanes(book, book.at), [book])
  const all = extentOf(lanes)
  if (error !== '' && all === undefined) return <Problem sentence={error} />
  if (book.note !== '') return <Empty sentence={book.note} />
  if (all === undefined) return asked ? <Empty sentence={emptySentence(job)} /> : null
  return (
    <section className="timeline" aria-label="Timeline">
      <Lanes key={job.id} job={job} lanes={lanes} book={book} all={all} />
    </section>
  )
}

const emptySentence = (job: JobView): string =>
  isOpen(job)
    ? 'Bars appear here as soon as the first mini-batch is given to a machine.'
    : 'The head remembers only the newest attempts, and those of this job are no longer among them.'

const Lanes = (props: {
  readonly job: JobView
  readonly lanes: readonly Lane[]
  readonly book: SpanBook
  readonly all: TimeView
}) => {
  const { job, lanes, all } = props
  const { machines } = useSnapshot()
  // Undefined: the last minutes, which move on while the job runs.
  const [zoom, setZoom] = useState<TimeView>()
  const [chosen, setChosen] = useState<Bar>()
  const [opened, setOpened] = useState<number>()
  const [look, setLook] = useState<Look>('lanes')
  const view = zoom === undefined ? lastMinutes(all) : within(zoom, all)
  const words = useMemo(() => lastWordsOf(machines, isOpen(job)), [machines, job])
  return (
    <>
      <Toolbar {...{ zoom, look }} zoomTo={setZoom} all={all} setLook={setLook} />
      {look === 'table' ? (
        <TimelineTable lanes={lanes} view={view} />
      ) : (
        <div className="panel timeline-panel">
          <TimelineCanvas
            {...{ lanes, view, all, chosen }}
            label={`Timeline of ${job.name}`}
            lastWords={words}
            choose={setChosen}
            open={(bar) => {
              setChosen(bar)
              setOpened(bar.span.miniBatch)
            }}
            show={setZoom}
          />
        </div>
      )}
      <p className="map-foot" id="timeline-chosen" role="status">
        {chosen === undefined ? (
          <span className="muted">
            Drag or turn the wheel to look closer; arrow keys move between bars, + and - zoom, Enter
            tells the story.
          </span>
        ) : (
          <Chosen bar={chosen} name={lanes.find(({ peer }) => peer === chosen.span.peer)?.name} />
        )}
      </p>
      {opened === undefined ? null : <Why query={{ job: job.id, miniBatch: opened }} />}
    </>
  )
}

type Look = 'lanes' | 'table'

const Toolbar = (props: {
  readonly zoom: TimeView | undefined
  readonly all: TimeView
  readonly zoomTo: (view: TimeView | undefined) => void
  readonly look: Look
  readonly setLook: (look: Look) => void
}) => {
  const { zoom, all, zoomTo, look, setLook } = props
  return (
    <div className="timeline-bar">
      <Legend />
      <span className="timeline-actions">
        <Button
          size="compact-sm"
          variant="default"
          disabled={zoom === undefined}
          onClick={() => zoomTo(undefined)}
        >
          Last minutes
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => zoomTo(all)}>
          All
        </Button>
        <SegmentedControl
          size="xs"
          aria-label="Look"
          value={look}
          onChange={(value) => setLook(value === 'table' ? 'table' : 'lanes')}
          data={[
            { value: 'lanes', label: 'Lanes' },
            { value: 'table', label: 'Table' },
          ]}
        />
      </span>
    </div>
  )
}

/** Why nothing runs on a machine now: its own reason, or its absence. */
const lastWordsOf =
  (machines: readonly MachineView[], open: boolean) =>
  (peer: string): string => {
    if (!open) return ''
    const machine = machines.find((each) => each.peer === peer)
    if (machine === undefined || machine.liveness === 'lost') return 'away'
    return machine.reason === '' ? 'nothing to do' : machine.reason
  }

const shown = ['running', 'committed', 'charged', 'failed', 'freed'] as const

const Legend = () => (
  <ul className="timeline-legend">
    {shown.map((outcome) => (
      <li key={outcome}>
        <StateShape tone={outcomes[outcome].tone} />
        {outcomes[outcome].word}
      </li>
    ))}
  </ul>
)

const Chosen = (props: { readonly bar: Bar; readonly name: string | undefined }) => {
  const { span, from, to } = props.bar
  const { tone, word } = outcomes[span.outcome]
  const facts = [
    `Mini-batch ${formatMiniBatch(span.miniBatch)}`,
    `attempt ${span.attempt} on ${props.name ?? 'an unknown machine'}`,
    word.toLowerCase(),
    `${durationText(to - from)} from ${clockText(from, true)}`,
  ]
  return (
    <span className="map-chosen">
      <StateShape tone={tone} /> {facts.join(' · ')}
      {span.detail === '' ? null : <span className="muted">{span.detail}</span>}
    </span>
  )
}
