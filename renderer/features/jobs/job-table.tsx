import { Link } from '@tanstack/react-router'
import type { JobView } from '../../../protocol/control/job-views.ts'
import { Age } from '../../ui/age.tsx'
import { ClippedText } from '../../ui/clipped-text.tsx'
import { GridTable } from '../../ui/grid-table.tsx'
import type { GridColumn } from '../../ui/grid-table.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { jobStates, progressShare } from './job-state.ts'
import { ProgressBar, ProgressLine } from './progress-line.tsx'
import './jobs.css'

const columns: readonly GridColumn<JobView>[] = [
  {
    id: 'state',
    head: 'State',
    by: (job) => jobStates[job.state].word,
    cell: (job) => <StateMark {...jobStates[job.state]} />,
  },
  {
    id: 'name',
    head: 'Job',
    by: (job) => job.name,
    cell: (job) => (
      <Link to="/jobs/$job" params={{ job: job.id }} className="row-link clip" title={job.name}>
        {job.name}
      </Link>
    ),
  },
  {
    id: 'progress',
    head: 'Progress',
    by: progressShare,
    cell: (job) => (
      <span className="job-progress">
        <ProgressBar job={job} thin />
        <span className="clip">
          <ProgressLine job={job} />
        </span>
      </span>
    ),
  },
  {
    id: 'model',
    head: 'Model',
    by: (job) => job.model,
    cell: (job) => <ClippedText text={job.model} className="mono" />,
  },
  { id: 'by', head: 'By', by: (job) => job.submitterName },
  {
    id: 'submitted',
    head: 'Submitted',
    by: (job) => job.submittedAt,
    cell: (job) => <Age at={job.submittedAt} />,
  },
]

/** Jobs as rows that can be sorted. */
export const JobTable = (props: { readonly jobs: readonly JobView[] }) => (
  <GridTable label="Jobs" className="jobs" rows={props.jobs} columns={columns} />
)
