import { useEffect, useRef } from 'react'
import { useElementSize } from '../../../ui/element-size.ts'
import { usePalette } from '../../../ui/palette.ts'
import { useWheel } from '../../../ui/wheel.ts'
import { cellAt, cellStateAt, layCells } from './cells.ts'
import type { Grid } from './cells.ts'
import { drawFrame, drawMap } from './draw.ts'
import type { Range } from './range.ts'
import { zoomedRange } from './range.ts'
import '../jobs.css'

export interface MapCanvasProps {
  readonly states: string
  readonly range: Range
  readonly chosen: number | undefined
  /** Mini-batches with which another peer's run begins. */
  readonly runStarts: readonly number[]
  /** Pointed at or moved to with the arrow keys. */
  readonly choose: (index: number) => void
  /** Pressed: the mini-batch, or the first of the several that one cell stands for. */
  readonly open: (index: number, perCell: number) => void
  /** Zoomed with the wheel or + and -. */
  readonly show: (range: Range) => void
  readonly label: string
}

/** The mini-batch map: one cell each in the order of the plan. Arrow keys move, Enter opens. */
export const MapCanvas = (props: MapCanvasProps) => {
  const { states, range, chosen, choose, open, show } = props
  const { ref, width, height } = useElementSize()
  const grid = layCells(range, Math.max(1, width - 2), Math.max(1, height - 2))
  const canvas = useMapDrawing(props, grid, { width, height })
  const total = states.length

  const indexAt = (event: MouseEvent | React.MouseEvent): number | undefined => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect()
    return cellAt(grid, event.clientX - box.left - 1, event.clientY - box.top - 1)
  }
  useWheel(canvas.top, (event) => {
    if (grid.perCell === 1 && range.to - range.from === total) return
    event.preventDefault()
    const around = indexAt(event) ?? (range.from + range.to) / 2
    show(zoomedRange(range, total, event.deltaY < 0 ? 0.7 : 1 / 0.7, around))
  })
  const at = Math.max(range.from, Math.min(range.to - 1, chosen ?? range.from))
  return (
    <div className="map-area" ref={ref}>
      <canvas ref={canvas.base} aria-hidden="true" />
      <canvas
        ref={canvas.top}
        tabIndex={0}
        role="slider"
        aria-label={props.label}
        aria-valuemin={range.from}
        aria-valuemax={Math.max(range.from, range.to - 1)}
        aria-valuenow={at}
        aria-valuetext={`Mini-batch ${at}: ${cellStateAt(states, at).word}`}
        onPointerMove={(event) => {
          const index = indexAt(event)
          if (index !== undefined && index !== chosen) choose(index)
        }}
        onClick={(event) => {
          const index = indexAt(event)
          if (index !== undefined) open(index, grid.perCell)
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') open(at, grid.perCell)
          if (event.key === '+' || event.key === '=') show(zoomedRange(range, total, 0.5, at))
          if (event.key === '-') show(zoomedRange(range, total, 2, at))
          const step = stepOf(event.key, grid)
          if (step === undefined) return
          event.preventDefault()
          choose(Math.max(range.from, Math.min(range.to - 1, at + step)))
        }}
      />
    </div>
  )
}

/** The cells on one canvas, the frame of the chosen one above: pointing redraws no million cells. */
const useMapDrawing = (
  { states, chosen, runStarts }: Pick<MapCanvasProps, 'states' | 'chosen' | 'runStarts'>,
  grid: Grid,
  { width, height }: { readonly width: number; readonly height: number },
) => {
  const base = useRef<HTMLCanvasElement>(null)
  const top = useRef<HTMLCanvasElement>(null)
  const palette = usePalette()
  useEffect(() => {
    const context = cleared(base.current, width, height)
    if (context === undefined) return
    const start = performance.now()
    drawMap(context, { states, grid, palette, runStarts })
    // Seen in the browser's profiler, and by the test that holds it against its limit.
    performance.measure('muster-map', { start })
  }, [states, grid.from, grid.to, width, height, palette, runStarts])
  useEffect(() => {
    const context = cleared(top.current, width, height)
    if (context !== undefined && chosen !== undefined) drawFrame(context, { grid, palette }, chosen)
  }, [grid.from, grid.to, width, height, palette, chosen])
  return { base, top }
}

/** A canvas as large as its box, empty, one unit a CSS px. */
const cleared = (
  element: HTMLCanvasElement | null,
  width: number,
  height: number,
): CanvasRenderingContext2D | undefined => {
  const context = element?.getContext('2d')
  if (element === null || context === null || context === undefined || width === 0) return undefined
  const ratio = globalThis.devicePixelRatio
  element.width = Math.round(width * ratio)
  element.height = Math.round(height * ratio)
  context.setTransform(ratio, 0, 0, ratio, ratio, ratio)
  return context
}

/** How far a key moves, in mini-batches. */
const stepOf = (key: string, grid: Grid): number | undefined => {
  const line = grid.columns * grid.perCell
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -grid.perCell,
    ArrowRight: grid.perCell,
    ArrowUp: -line,
    ArrowDown: line,
    PageUp: -10 * line,
    PageDown: 10 * line,
    Home: -Number.MAX_SAFE_INTEGER,
    End: Number.MAX_SAFE_INTEGER,
  }
  return steps[key]
}
