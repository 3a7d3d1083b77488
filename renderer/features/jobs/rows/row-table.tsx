import { useMergedRef } from '@mantine/hooks'
import { memo, useRef, useState } from 'react'
import type { RowView } from '../../../../protocol/control/job-views.ts'
import { formatCount, formatMiniBatch } from '../../../ui/format.ts'
import { bringIntoSight, useRowWindow } from '../../../ui/row-window.ts'
import { useScale } from '../../../ui/scale.ts'
import { StateShape } from '../../../ui/state-mark.tsx'
import { ItemCloseUp } from './item-close-up.tsx'
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
  const { holder, window, show } = useRows(total)
  const rowAt = useRowsInSight(filter, window)
  const [opened, setOpened] = useState<number>()
  const step = (by: 1 | -1): void => {
    const row = Math.max(0, Math.min(total - 1, (opened ?? 0) + by))
    setOpened(row)
    show(row)
  }
  const indices = Array.from({ length: window.last - window.first }, (_, at) => window.first + at)
  return (
    <div
      className="grid-scroll"
      ref={holder}
      tabIndex={0}
      role="region"
      aria-label="Rows of the job"
    >
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
              open={setOpened}
            />
          ))}
        </div>
      </div>
      <ItemCloseUp
        job={filter.job}
        row={opened === undefined ? undefined : rowAt(opened)}
        opened={opened !== undefined}
        close={() => setOpened(undefined)}
        step={step}
      />
    </div>
  )
}

/** Which rows are in sight, and the way to bring another there. */
const useRows = (total: number) => {
  const scale = useScale()
  const heights = { rowHeight: rowHeight * scale, headerHeight: headerHeight * scale }
  const { ref, window } = useRowWindow({ count: total, ...heights })
  const scroller = useRef<HTMLDivElement>(null)
  const holder = useMergedRef(ref, scroller)
  const show = (row: number): void =>
    bringIntoSight(scroller.current, window, { row, rows: total, ...heights })
  return { holder, window, show }
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
  readonly open: (index: number) => void
}) {
  const { index, top, row, job, columns, open } = props
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
      <div role="cell">
        <button
          type="button"
          className="row-open mono clip"
          title={row.name}
          onClick={() => open(index)}
        >
          {row.name}
        </button>
      </div>
      <Answers row={row} columns={columns} />
      <div role="cell" className="number muted">
        {formatMiniBatch(row.miniBatch)}
      </div>
      <div role="cell" className="clip" title={row.peerName}>
        {row.peerName}
      </div>
      <div role="cell" className={row.attempt > 1 ? 'number again' : 'number muted'}>
        {row.attempt}
      </div>
    </div>
  )
})

/** The values of a row, or why there are none. */
const Answers = (props: { readonly row: RowView; readonly columns: readonly ValueColumn[] }) => {
  const { row, columns } = props
  if (row.failure !== '')
    return (
      <div
        role="cell"
        className="row-failure"
        style={{ gridColumn: `span ${columns.length}` }}
        title={tipOf(row.failure)}
      >
        <StateShape tone="failed" />
        <span className="clip">{row.failure}</span>
      </div>
    )
  return columns.map(({ key, numeric, textOf }, at) => (
    <div
      role="cell"
      key={key}
      className={cellClass(numeric, at === 0)}
      title={tipOf(textOf(row.value))}
    >
      {textOf(row.value)}
    </div>
  ))
}

/** More than what may be cut would not be read under a pointer; the item opened has all of it. */
const tipMost = 300
const tipOf = (text: string): string | undefined =>
  text.length < 12 ? undefined : text.slice(0, tipMost)

const cellClass = (numeric: boolean, first: boolean): string =>
  `${numeric ? 'number mono' : 'clip'}${first ? ' row-answer' : ''}`
