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
import type { Row, RowData } from '@tanstack/react-table'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useMemo, useRef } from 'react'
import type { ReactNode } from 'react'
import { ClippedText } from './clipped-text.tsx'
import { useScale } from './scale.ts'
import './grid-table.css'

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns,
})

/** One column of a list. Keep the columns outside of components: new ones would lose the sorting. */
export interface GridColumn<Data> {
  readonly id: string
  readonly head: string
  /** What the column is sorted by. */
  readonly by: (row: Data) => string | number
  /** Left out: what it is sorted by. */
  readonly cell?: (row: Data) => ReactNode
  readonly number?: boolean
}

const rowRem = 36

/** Things as rows of 36 px that can be sorted; only those in sight are in the page. */
export const GridTable = <Data extends { readonly id: string }>(props: {
  readonly label: string
  /** Names the widths of the columns in CSS. */
  readonly className: string
  readonly rows: readonly Data[]
  readonly columns: readonly GridColumn<Data>[]
}) => {
  const columns = useMemo(() => toColumns(props.columns), [props.columns])
  const table = useTable({ features, columns, data: props.rows, getRowId: (row) => row.id })
  const rows = table.getRowModel().rows
  const scroller = useRef<HTMLDivElement>(null)
  const numbers = new Set(props.columns.filter((one) => one.number === true).map(({ id }) => id))
  return (
    <div className="grid-scroll" ref={scroller}>
      <div
        className={`grid-table ${props.className}`}
        role="table"
        aria-label={props.label}
        aria-rowcount={rows.length + 1}
      >
        {table.getHeaderGroups().map((group) => (
          <div className="grid-head" role="row" aria-rowindex={1} key={group.id}>
            {group.headers.map((header) => (
              <SortHead
                key={header.id}
                isNumber={numbers.has(header.column.id)}
                order={header.column.getIsSorted()}
                toggle={() => header.column.toggleSorting()}
              >
                <table.FlexRender header={header} />
              </SortHead>
            ))}
          </div>
        ))}
        <Body rows={rows} numbers={numbers} scroller={scroller} />
      </div>
    </div>
  )
}

const Body = <Data extends RowData>(props: {
  readonly rows: readonly Row<typeof features, Data>[]
  /** Columns of numbers. */
  readonly numbers: ReadonlySet<string>
  readonly scroller: React.RefObject<HTMLElement | null>
}) => {
  const { rows, numbers, scroller } = props
  const scale = useScale()
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowRem * scale,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 8,
  })
  return (
    <div role="rowgroup" className="grid-body" style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map(({ index, start }) => {
        const row = rows[index]
        return row === undefined ? null : (
          <div
            key={row.id}
            role="row"
            aria-rowindex={index + 2}
            className="grid-row list-row"
            style={{ transform: `translateY(${start}px)` }}
          >
            {row.getAllCells().map((cell) => (
              <div
                role="cell"
                key={cell.id}
                className={numbers.has(cell.column.id) ? 'number' : undefined}
              >
                <FlexRender cell={cell} />
              </div>
            ))}
          </div>
        )
      })}
    </div>
  )
}

const toColumns = <Data extends { readonly id: string }>(columns: readonly GridColumn<Data>[]) => {
  const helper = createColumnHelper<typeof features, Data>()
  return columns.map(({ id, head, by, cell }) =>
    helper.accessor((row): unknown => by(row), {
      id,
      header: head,
      cell: ({ row }) =>
        cell === undefined ? <ClippedText text={String(by(row.original))} /> : cell(row.original),
    }),
  )
}

const ariaSort = { asc: 'ascending', desc: 'descending' } as const

const SortHead = (props: {
  readonly isNumber: boolean
  readonly order: false | 'asc' | 'desc'
  readonly toggle: () => void
  readonly children: ReactNode
}) => (
  <div
    role="columnheader"
    className={props.isNumber ? 'number' : undefined}
    aria-sort={props.order === false ? 'none' : ariaSort[props.order]}
  >
    <button type="button" className="sort" onClick={props.toggle}>
      {props.children}
      {props.order === 'asc' ? <IconChevronUp size="0.75rem" /> : null}
      {props.order === 'desc' ? <IconChevronDown size="0.75rem" /> : null}
    </button>
  </div>
)
