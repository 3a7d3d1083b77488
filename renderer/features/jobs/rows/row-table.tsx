import { memo } from 'react'
import type { RowView } from '../../../../protocol/control/views.ts'
import { formatCount } from '../../../ui/format.ts'
import { useRowWindow } from '../../../ui/row-window.ts'
import { useScale } from '../../../ui/scale.ts'
import { StateShape } from '../../../ui/state-mark.tsx'
import { ItemPicture } from './item-picture.tsx'
import { useRowsInSight } from './use-rows.ts'
import type { RowFilter } from './use-rows.ts'
import type { ValueColumn } from './value-columns.ts'
import './rows.css'

const rowHeight = 28
const headerHeight = 32

/** The virtual table: any number of rows, only those in sight are in the page. */
export const RowTable = (props: {
  readonly filter: RowFilter
  readonly columns: readonly ValueColumn[]
  readonly total: number
}) => {
  const { filter, columns, total } = props
  const scale = useScale()
  const { ref, window } = useRowWindow({
    count: total,
    rowHeight: rowHeight * scale,
    headerHeight: headerHeight * scale,
  })
  const rowAt = useRowsInSight(filter, window)
  const indices = Array.from({ length: window.last - window.first }, (_, at) => window.first + at)
  return (
    <div className="grid-scroll" ref={ref} tabIndex={0} role="region" aria-label="Rows of the job">
      <div
        className="grid-table result-rows"
        role="table"
        aria-label="Rows"
        aria-rowcount={total + 1}
        style={{ '--columns': gridColumns(columns) } as React.CSSProperties}
      >
        <Head columns={columns} />
        <div role="rowgroup" className="grid-body" style={{ height: window.height }}>
          {indices.map((index) => (
            <Row
              key={index}
              index={index}
              top={window.topOf(index)}
              row={rowAt(index)}
              job={filter.job}
              columns={columns}
            />
          ))}
        </div>
      </div>
    </div>
  )
}

/**
 * Picture, item, the row's own columns, mini-batch, peer, attempt. Widths are capped, so that on a wide
 * screen the eye need not travel from an item to its answer.
 */
const gridColumns = (columns: readonly ValueColumn[]): string =>
  [
    '1.75rem',
    isReasons(columns) ? 'minmax(7rem, 10rem)' : 'minmax(9rem, 22rem)',
    ...columns.map(({ key, numeric }) =>
      numeric ? '6rem' : key === '' ? 'minmax(16rem, 60rem)' : 'minmax(7rem, 14rem)',
    ),
    '6rem',
    isReasons(columns) ? 'minmax(4rem, 6rem)' : 'minmax(6rem, 14rem)',
    '4rem',
  ].join(' ')

/** Whether only failures are shown: their sentences need the room. */
const isReasons = (columns: readonly ValueColumn[]): boolean =>
  columns.length === 1 && columns[0]?.key === '' && columns[0].head === 'Reason'

const Head = (props: { readonly columns: readonly ValueColumn[] }) => (
  <div className="grid-head" role="row" aria-rowindex={1}>
    <div role="columnheader">
      <span className="visually-hidden">Picture</span>
    </div>
    <div role="columnheader">Item</div>
    {props.columns.map(({ key, head, numeric }) => (
      <div role="columnheader" key={key} className={numeric ? 'number' : undefined}>
        {head}
      </div>
    ))}
    <div role="columnheader" className="number">
      Mini-batch
    </div>
    <div role="columnheader">Peer</div>
    <div role="columnheader" className="number">
      Attempt
    </div>
  </div>
)

const Row = memo(function Row(props: {
  readonly index: number
  readonly top: number
  readonly row: RowView | undefined
  readonly job: string
  readonly columns: readonly ValueColumn[]
}) {
  const { index, top, row, job, columns } = props
  const style = { transform: `translateY(${top}px)` }
  if (row === undefined) {
    return (
      <div className="grid-row waiting" role="row" aria-rowindex={index + 2} style={style}>
        <div role="cell" />
        <div role="cell" className="muted">
          row {formatCount(index + 1)} …
        </div>
      </div>
    )
  }
  return (
    <div className="grid-row" role="row" aria-rowindex={index + 2} style={style}>
      <div role="cell">
        <ItemPicture job={job} item={row.item} name={row.name} />
      </div>
      <div role="cell" className="mono clip" title={row.name}>
        {row.name}
      </div>
      {row.failure === '' ? (
        columns.map(({ key, numeric, textOf }, at) => (
          <div role="cell" key={key} className={cellClass(numeric, at === 0)}>
            {textOf(row.value)}
          </div>
        ))
      ) : (
        <div
          role="cell"
          className="row-failure"
          style={{ gridColumn: `span ${columns.length}` }}
          title={row.failure}
        >
          <StateShape tone="failed" />
          <span className="clip">{row.failure}</span>
        </div>
      )}
      <div role="cell" className="number muted">
        {formatCount(row.miniBatch)}
      </div>
      <div role="cell" className="clip">
        {row.peerName}
      </div>
      <div role="cell" className={row.attempt > 1 ? 'number again' : 'number muted'}>
        {row.attempt}
      </div>
    </div>
  )
})

const cellClass = (numeric: boolean, first: boolean): string =>
  `${numeric ? 'number mono' : 'clip'}${first ? ' row-answer' : ''}`
