import { useEffect, useMemo, useRef, useState } from 'react'
import { useElementSize } from '../../../ui/element-size.ts'
import { formatCount } from '../../../ui/format.ts'
import { usePalette } from '../../../ui/palette.ts'
import { bandColumns, drawBand } from './band.ts'
import type { Range } from './range.ts'
import { moved, zoomedRange } from './range.ts'
import '../jobs.css'

/** The whole job as a band of density, and the part of it that the cells below show. Drag to choose another. */
export const MapBand = (props: {
  readonly states: string
  readonly shown: Range
  readonly show: (range: Range) => void
  readonly label: string
}) => {
  const { states, shown, show } = props
  const total = states.length
  const { ref, canvas } = useBandDrawing(states, shown)
  const [dragFrom, setDragFrom] = useState<number>()

  const indexAt = (event: React.PointerEvent): number => {
    const box = event.currentTarget.getBoundingClientRect()
    const share = (event.clientX - box.left) / Math.max(1, box.width)
    return Math.max(0, Math.min(total, Math.round(share * total)))
  }
  return (
    <div className="map-band" ref={ref}>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="slider"
        aria-label={props.label}
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={shown.from}
        aria-valuetext={`Mini-batches ${formatCount(shown.from)} to ${formatCount(shown.to - 1)}`}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId)
          setDragFrom(indexAt(event))
        }}
        onPointerMove={(event) => {
          if (dragFrom === undefined) return
          const to = indexAt(event)
          if (Math.abs(to - dragFrom) < total / 500) return
          show({ from: Math.min(dragFrom, to), to: Math.max(dragFrom, to) })
        }}
        onPointerUp={(event) => {
          const to = indexAt(event)
          const isClick = dragFrom !== undefined && Math.abs(to - dragFrom) < total / 500
          setDragFrom(undefined)
          if (isClick) show(moved(aroundOrSmaller(shown, total), to, total))
        }}
        onKeyDown={(event) => {
          const next = rangeAfter(event.key, shown, total)
          if (next === undefined) return
          event.preventDefault()
          show(next)
        }}
      />
    </div>
  )
}

const useBandDrawing = (states: string, shown: Range) => {
  const { ref, width, height } = useElementSize()
  const canvas = useRef<HTMLCanvasElement>(null)
  const palette = usePalette()
  const total = states.length
  const ratio = globalThis.devicePixelRatio
  const columns = Math.max(1, Math.round(width * ratio))
  const band = useMemo(() => bandColumns(states, columns), [states, columns])
  useEffect(() => {
    const element = canvas.current
    const context = element?.getContext('2d')
    if (element === null || context === null || context === undefined || width === 0) return
    element.width = columns
    element.height = Math.round(height * ratio)
    drawBand(context, {
      band,
      height: element.height,
      palette,
      shown: { from: shown.from / total, to: shown.to / total },
    })
  }, [band, columns, width, height, ratio, palette, shown.from, shown.to, total])
  return { ref, canvas }
}

/** A click in the band of the whole job looks at a hundredth of it. */
const aroundOrSmaller = (shown: Range, total: number): Range =>
  shown.to - shown.from >= total ? { from: 0, to: Math.ceil(total / 100) } : shown

const rangeAfter = (key: string, shown: Range, total: number): Range | undefined => {
  const width = shown.to - shown.from
  const middle = shown.from + width / 2
  const keys: Readonly<Record<string, () => Range>> = {
    ArrowLeft: () => moved(shown, middle - width / 2, total),
    ArrowRight: () => moved(shown, middle + width / 2, total),
    Home: () => moved(shown, 0, total),
    End: () => moved(shown, total, total),
    '+': () => zoomedRange(shown, total, 0.5, middle),
    '=': () => zoomedRange(shown, total, 0.5, middle),
    '-': () => zoomedRange(shown, total, 2, middle),
  }
  return keys[key]?.()
}
