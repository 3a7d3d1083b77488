import { progressLine } from '../../../protocol/control/progress-line.ts'
import type { JobView } from '../../../protocol/control/job-views.ts'
import { Bar } from '../../ui/bar.tsx'
import { progressShare } from './job-state.ts'
import './jobs.css'

/** `8,340 / 10,000 · 12,900/s · 1-2 s left · 3 failed`, the same as in the terminal. */
export const ProgressLine = (props: { readonly job: JobView }) => {
  const { job } = props
  const line = progressLine(job)
  if (job.itemsFailed === 0) {
    return (
      <span className="progress-line">
        <Figures text={line} />
      </span>
    )
  }
  const cut = line.lastIndexOf(' · ') + 3
  return (
    <span className="progress-line">
      <Figures text={line.slice(0, cut)} />
      <span className="has-failed">
        <Figures text={line.slice(cut)} />
      </span>
    </span>
  )
}

/** Numbers keep their width; the signs between them would become too wide with it. */
const Figures = (props: { readonly text: string }) =>
  props.text.split(/([\d,.]+)/).map((part, index) =>
    index % 2 === 0 ? (
      part
    ) : (
      <span key={index} className="n">
        {part}
      </span>
    ),
  )

/** Rows done and items failed of all planned items. */
export const ProgressBar = (props: { readonly job: JobView; readonly thin?: boolean }) => {
  const { job } = props
  const of = (count: number): number => (job.items === 0 ? 0 : count / job.items)
  const tone =
    job.state === 'Completed' ? 'committed' : job.endedAt === null ? 'running' : 'canceled'
  return (
    <Bar
      label={`Progress of ${job.name}: ${Math.round(progressShare(job) * 100)} %`}
      thin={props.thin ?? false}
      parts={[
        { share: of(job.itemsSucceeded), colour: `var(--${tone}-mark)` },
        { share: of(job.itemsFailed), colour: 'var(--failed-mark)' },
      ]}
    />
  )
}
