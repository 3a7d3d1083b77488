import { useMemo, useState } from 'react'
import type { JobView } from '../../../protocol/control/job-views.ts'
import { useSnapshot } from '../../agent/context.tsx'
import { Empty } from '../../ui/empty.tsx'
import { formatPlural } from '../../ui/format.ts'
import { ListFilter } from '../../ui/list-filter.tsx'
import type { ListState } from '../../ui/list-filter.tsx'
import { NewJobButton } from './new-job-button.tsx'
import { JobTable } from './job-table.tsx'
import './jobs.css'

const fits: Readonly<Record<ListState, (job: JobView) => boolean>> = {
  all: () => true,
  open: ({ endedAt }) => endedAt === null,
  ended: ({ endedAt }) => endedAt !== null,
  failed: ({ state }) => state === 'Failed',
}

/** All jobs, newest first, with a filter by state and text. */
export const JobsPage = () => {
  const { jobs } = useSnapshot()
  const [state, setState] = useState<ListState>('all')
  const [text, setText] = useState('')
  const shown = useMemo(() => {
    const words = text.toLowerCase().trim()
    return jobs.filter((job) => fits[state](job) && (words === '' || wordsOf(job).includes(words)))
  }, [jobs, state, text])
  return (
    <>
      <header className="page-head">
        <h1>Jobs</h1>
        <span className="sub">{countLine(shown.length, jobs.length)}</span>
        <ListFilter
          {...{ state, setState, text, setText }}
          find="Find a job"
          hint="Name, model, person"
        />
      </header>
      <div className="panel fill">
        {shown.length > 0 ? (
          <JobTable jobs={shown} />
        ) : jobs.length > 0 ? (
          <Empty sentence="No job fits this filter." />
        ) : (
          <Empty sentence="A job runs a model or a script over the files of a folder, or the records of a table, and returns a row for each.">
            <NewJobButton />
          </Empty>
        )}
      </div>
    </>
  )
}

const wordsOf = (job: JobView): string =>
  [job.name, job.model, job.submitterName, job.id, job.description, ...Object.values(job.tags)]
    .join(' ')
    .toLowerCase()

const countLine = (shown: number, all: number): string =>
  shown === all ? formatPlural(all, 'job') : `${shown} of ${formatPlural(all, 'job')}`
