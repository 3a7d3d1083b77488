import { IconChevronDown, IconChevronUp } from '@tabler/icons-react'
import {
  createColumnHelper,
  createSortedRowModel,
  FlexRender,
  rowSortingFeature,
  sortFns,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import type { Row } from '@tanstack/react-table'
import { useVirtualizer } from '@tanstack/react-virtual'
import { Link } from '@tanstack/react-router'
import { useRef } from 'react'
import type { JobView } from '../../../protocol/control/views.ts'
import { useNow } from '../../agent/context.tsx'
import { formatAge, formatTime } from '../../ui/format.ts'
import { useScale } from '../../ui/scale.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import { jobStates, progressShare } from './job-state.ts'
import { ProgressBar, ProgressLine } from './progress-line.tsx'
import './jobs.css'

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns,
})
const helper = createColumnHelper<typeof features, JobView>()

const Age = (props: { readonly at: number }) => {
  const now = useNow(10_000)
  return <span title={formatTime(props.at)}>{formatAge(now - props.at)}</span>
}

const columns = helper.columns([
  helper.accessor((job) => jobStates[job.state].word, {
    id: 'state',
    header: 'State',
    cell: ({ row }) => <StateMark {...jobStates[row.original.state]} />,
  }),
  helper.accessor('name', {
    header: 'Job',
    cell: ({ row }) => (
      <Link to="/jobs/$job" params={{ job: row.original.id }} className="job-link clip">
        {row.original.name}
      </Link>
    ),
  }),
  helper.accessor((job) => progressShare(job), {
    id: 'progress',
    header: 'Progress',
    cell: ({ row }) => (
      <span className="job-progress">
        <ProgressBar job={row.original} thin />
        <span className="clip">
          <ProgressLine job={row.original} />
        </span>
      </span>
    ),
  }),
  helper.accessor('model', {
    header: 'Model',
    cell: ({ getValue }) => <span className="mono clip">{getValue()}</span>,
  }),
  helper.accessor('submitterName', { header: 'By' }),
  helper.accessor('submittedAt', {
    header: 'Submitted',
    cell: ({ getValue }) => <Age at={getValue()} />,
  }),
])

const rowRem = 36

/** Jobs as rows of 36 px; only those in sight are in the page. */
export const JobTable = (props: { readonly jobs: readonly JobView[] }) => {
  const table = useTable({
    features,
    columns,
    data: props.jobs,
    getRowId: (job) => job.id,
  })
  const rows = table.getRowModel().rows
  const scroller = useRef<HTMLDivElement>(null)
  const scale = useScale()
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowRem * scale,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 8,
  })
  return (
    <div className="grid-scroll" ref={scroller}>
      <div
        className="grid-table jobs"
        role="table"
        aria-label="Jobs"
        aria-rowcount={rows.length + 1}
      >
        {table.getHeaderGroups().map((group) => (
          <div className="grid-head" role="row" aria-rowindex={1} key={group.id}>
            {group.headers.map((header) => (
              <SortHead
                key={header.id}
                order={header.column.getIsSorted()}
                toggle={() => header.column.toggleSorting()}
              >
                <table.FlexRender header={header} />
              </SortHead>
            ))}
          </div>
        ))}
        <div role="rowgroup" className="grid-body" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = rows[index]
            return row === undefined ? null : (
              <div
                key={row.id}
                role="row"
                aria-rowindex={index + 2}
                className="grid-row job-row"
                style={{ transform: `translateY(${start}px)` }}
              >
                <Cells row={row} />
              </div>
            )
          })}
        </div>
      </div>
    </div>
  )
}

const Cells = (props: { readonly row: Row<typeof features, JobView> }) =>
  props.row.getAllCells().map((cell) => (
    <div role="cell" key={cell.id}>
      <FlexRender cell={cell} />
    </div>
  ))

const ariaSort = { asc: 'ascending', desc: 'descending' } as const

const SortHead = (props: {
  readonly order: false | 'asc' | 'desc'
  readonly toggle: () => void
  readonly children: React.ReactNode
}) => (
  <div role="columnheader" aria-sort={props.order === false ? 'none' : ariaSort[props.order]}>
    <button type="button" className="sort" onClick={props.toggle}>
      {props.children}
      {props.order === 'asc' ? <IconChevronUp size="0.75rem" /> : null}
      {props.order === 'desc' ? <IconChevronDown size="0.75rem" /> : null}
    </button>
  </div>
)
