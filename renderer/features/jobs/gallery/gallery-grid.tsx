import { useMergedRef } from '@mantine/hooks'
import { memo, useCallback, useEffect, useRef, useState } from 'react'
import type { JobView, RowView } from '../../../../protocol/control/job-views.ts'
import { bringIntoSight, useRowWindow } from '../../../ui/row-window.ts'
import type { RowWindow } from '../../../ui/row-window.ts'
import { useScale } from '../../../ui/scale.ts'
import { StateShape } from '../../../ui/state-mark.tsx'
import { ItemCloseUp } from '../rows/item-close-up.tsx'
import { ItemPicture } from '../rows/item-picture.tsx'
import { useRowsInSight } from '../rows/use-rows.ts'
import type { RowFilter } from '../rows/use-rows.ts'
import { classOf, scoreOf } from './answers.ts'
import type { AnswerFields } from './answers.ts'
import './gallery.css'

const tileWidth = 112
const tileHeight = 148
/** Space left and right of the tiles. */
const padding = 8

/** The virtual grid: any number of pictures, only those in sight are in the page. */
export const GalleryGrid = (props: {
  readonly job: JobView
  readonly filter: RowFilter
  readonly fields: AnswerFields
  readonly total: number
}) => {
  const { job, filter, fields, total } = props
  const { holder, scroller, layout, window } = useGridWindow(total)
  const { columns, rows, height } = layout
  const rowAt = useRowsInSight(filter, {
    first: window.first * columns,
    last: Math.min(total, window.last * columns),
  })
  const [current, setCurrent] = useState(0)
  const [opened, setOpened] = useState<number>()

  const move = (to: number): number => {
    const next = Math.max(0, Math.min(total - 1, to))
    setCurrent(next)
    bringIntoSight(scroller.current, window, {
      row: Math.floor(next / columns),
      rows,
      rowHeight: height,
    })
    return next
  }
  return (
    <div
      className="grid-scroll gallery"
      ref={holder}
      tabIndex={0}
      role="grid"
      aria-label={`Pictures of ${job.name}`}
      aria-rowcount={rows}
      aria-colcount={columns}
      aria-activedescendant={tileId(current)}
      onKeyDown={(event) => {
        const page = Math.max(1, Math.floor(event.currentTarget.clientHeight / height))
        const to = placeAfter(event.key, { current, columns, page, total })
        if (event.key === 'Enter' || event.key === ' ') setOpened(current)
        else if (to === undefined) return
        else move(to)
        event.preventDefault()
      }}
    >
      <div className="gallery-body" style={{ height: window.height }} role="presentation">
        <Lines {...{ job, window, columns, total, rowAt, fields, current }} open={setOpened} />
      </div>
      <ItemCloseUp
        job={job.id}
        row={opened === undefined ? undefined : rowAt(opened)}
        opened={opened !== undefined}
        close={() => setOpened(undefined)}
        step={(by) => setOpened(move((opened ?? 0) + by))}
      />
    </div>
  )
}

/** How many tiles stand side by side, and which lines of them are in sight. */
const useGridWindow = (total: number) => {
  const scale = useScale()
  const [width, setWidth] = useState(0)
  const height = tileHeight * scale
  const columns = Math.max(1, Math.floor((width - 2 * padding) / (tileWidth * scale)))
  const rows = Math.ceil(total / columns)
  const { ref, window } = useRowWindow({ count: rows, rowHeight: height, headerHeight: 0 })
  const scroller = useRef<HTMLDivElement>(null)
  const holder = useMergedRef(ref, scroller, useWidth(setWidth))
  // Before the width is known there is no line to draw.
  const drawn = width === 0 ? { ...window, last: window.first } : window
  return { holder, scroller, layout: { columns, rows, height }, window: drawn }
}

const Lines = (props: {
  readonly job: JobView
  readonly window: RowWindow
  readonly columns: number
  readonly total: number
  readonly rowAt: (index: number) => RowView | undefined
  readonly fields: AnswerFields
  readonly current: number
  readonly open: (index: number) => void
}) => {
  const { job, window, columns, total, rowAt, fields, current, open } = props
  const lines = Array.from({ length: window.last - window.first }, (_, at) => window.first + at)
  return lines.map((line) => (
    <div
      key={line}
      className="gallery-line"
      role="row"
      aria-rowindex={line + 1}
      style={{
        transform: `translateY(${window.topOf(line)}px)`,
        gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
      }}
    >
      {Array.from({ length: Math.min(columns, total - line * columns) }, (_, column) => {
        const index = line * columns + column
        return (
          <Tile
            key={column}
            {...{ index, fields, open }}
            job={job.id}
            row={rowAt(index)}
            current={index === current}
          />
        )
      })}
    </div>
  ))
}

const tileId = (index: number): string => `picture-${index}`

/** Calls back with the inner width of an element. */
const useWidth = (tell: (width: number) => void): ((element: HTMLElement | null) => void) => {
  const watch = useRef<ResizeObserver>(undefined)
  useEffect(() => () => watch.current?.disconnect(), [])
  return useCallback(
    (element: HTMLElement | null) => {
      watch.current?.disconnect()
      if (element === null) return
      tell(element.clientWidth)
      watch.current = new ResizeObserver(() => tell(element.clientWidth))
      watch.current.observe(element)
    },
    [tell],
  )
}

/** Where a key leads; undefined for keys that lead nowhere. */
const placeAfter = (
  key: string,
  at: {
    readonly current: number
    readonly columns: number
    readonly page: number
    readonly total: number
  },
): number | undefined => {
  const { current, columns, page, total } = at
  const places: Readonly<Record<string, number>> = {
    ArrowLeft: current - 1,
    ArrowRight: current + 1,
    ArrowUp: current - columns < 0 ? current : current - columns,
    ArrowDown: current + columns < total ? current + columns : current,
    PageUp: current - page * columns,
    PageDown: current + page * columns,
    Home: 0,
    End: total - 1,
  }
  return places[key]
}

const Tile = memo(function Tile(props: {
  readonly job: string
  readonly index: number
  readonly row: RowView | undefined
  readonly fields: AnswerFields
  readonly current: boolean
  readonly open: (index: number) => void
}) {
  const { job, index, row, fields, current, open } = props
  const answer = row === undefined ? '' : classOf(fields, row.value)
  const score = row === undefined ? '' : scoreOf(fields, row.value)
  return (
    <div
      id={tileId(index)}
      role="gridcell"
      className={current ? 'tile current' : 'tile'}
      aria-label={row === undefined ? `Item ${index + 1}, on its way` : undefined}
      title={row?.name}
      onClick={() => open(index)}
    >
      <div className="tile-picture">
        {row === undefined ? null : <ItemPicture job={job} item={row.item} name={row.name} />}
      </div>
      {row === undefined || row.failure === '' ? (
        <div className="tile-words">
          <strong className="clip">{answer}</strong>
          <span className="muted n">{score}</span>
        </div>
      ) : (
        <div className="tile-words failed">
          <StateShape tone="failed" /> failed
        </div>
      )}
    </div>
  )
})
