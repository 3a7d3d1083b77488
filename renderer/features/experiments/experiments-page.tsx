import { Link } from '@tanstack/react-router'
import type { ExperimentView } from '../../../protocol/control/pipeline-views.ts'
import { useExperiments } from '../../agent/run-queries.ts'
import { Age } from '../../ui/age.tsx'
import { Answer } from '../../ui/answer.tsx'
import { Empty } from '../../ui/empty.tsx'
import { formatCount, formatPlural } from '../../ui/format.ts'
import { GridTable } from '../../ui/grid-table.tsx'
import type { GridColumn } from '../../ui/grid-table.tsx'
import { NewJobButton } from '../jobs/new-job-button.tsx'
import './experiments.css'

type Line = ExperimentView & { readonly id: string }

/** Names under which runs are kept, the last used first. */
export const ExperimentsPage = () => {
  const experiments = useExperiments()
  const count = experiments.data?.experiments.length
  return (
    <>
      <header className="page-head">
        <h1>Experiments</h1>
        <span className="sub">{count === undefined ? '' : formatPlural(count, 'experiment')}</span>
      </header>
      <div className="panel fill">
        <Answer of={experiments} what="the experiments">
          {({ experiments: known }) =>
            known.length > 0 ? (
              <GridTable
                label="Experiments"
                className="experiments"
                rows={known.map((one) => ({ ...one, id: one.name }))}
                columns={columns}
              />
            ) : (
              <Empty sentence="Runs of one experiment stand side by side here. Every run belongs to one: that of its name, or the one that its file names.">
                <NewJobButton />
              </Empty>
            )
          }
        </Answer>
      </div>
    </>
  )
}

const columns: readonly GridColumn<Line>[] = [
  {
    id: 'name',
    head: 'Experiment',
    by: ({ name }) => name,
    cell: ({ name }) => (
      <Link
        to="/experiments/$experiment"
        params={{ experiment: name }}
        className="row-link clip"
        title={name}
      >
        {name}
      </Link>
    ),
  },
  {
    id: 'runs',
    head: 'Runs',
    number: true,
    by: ({ runs }) => runs,
    cell: ({ runs }) => formatCount(runs),
  },
  {
    id: 'open',
    head: 'Open',
    number: true,
    by: ({ open }) => open,
    cell: ({ open }) => formatCount(open),
  },
  {
    id: 'completed',
    head: 'Completed',
    number: true,
    by: ({ completed }) => completed,
    cell: ({ completed }) => formatCount(completed),
  },
  {
    id: 'failed',
    head: 'Failed',
    number: true,
    by: ({ failed }) => failed,
    cell: ({ failed }) => (
      <span className={failed > 0 ? 'has-failed' : undefined}>{formatCount(failed)}</span>
    ),
  },
  {
    id: 'first',
    head: 'First run',
    by: ({ firstAt }) => firstAt,
    cell: ({ firstAt }) => <Age at={firstAt} />,
  },
  {
    id: 'last',
    head: 'Last run',
    by: ({ lastAt }) => lastAt,
    cell: ({ lastAt }) => <Age at={lastAt} />,
  },
]
