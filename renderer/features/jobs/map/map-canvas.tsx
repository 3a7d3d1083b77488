import { useElementSize } from '@mantine/hooks'
import { useEffect, useRef } from 'react'
import { usePalette } from '../../../ui/palette.ts'
import { cellAt, cellStateAt, layCells } from './cells.ts'
import type { Grid } from './cells.ts'
import { drawMap } from './draw.ts'
import '../jobs.css'

export interface MapCanvasProps {
  readonly states: string
  readonly range: { readonly from: number; readonly to: number }
  readonly chosen: number | undefined
  /** Pointed at or moved to with the arrow keys. */
  readonly choose: (index: number) => void
  /** Pressed: the mini-batch, or the first of the several that one cell stands for. */
  readonly open: (index: number, perCell: number) => void
  readonly label: string
}

/** The mini-batch map: one cell each in the order of the plan. Arrow keys move, Enter opens. */
export const MapCanvas = (props: MapCanvasProps) => {
  const { states, range, chosen, choose, open } = props
  const { ref, width, height } = useElementSize()
  const canvas = useRef<HTMLCanvasElement>(null)
  const palette = usePalette()
  const grid = layCells(range, Math.max(1, width - 2), Math.max(1, height - 2))

  useEffect(() => {
    const element = canvas.current
    const context = element?.getContext('2d')
    if (element === null || context === null || context === undefined || width === 0) return
    const ratio = globalThis.devicePixelRatio
    element.width = Math.round(width * ratio)
    element.height = Math.round(height * ratio)
    context.setTransform(ratio, 0, 0, ratio, ratio, ratio)
    drawMap(context, { states, grid, palette, chosen })
  }, [states, grid.from, grid.to, width, height, palette, chosen])

  const indexAt = (event: React.MouseEvent): number | undefined => {
    const box = event.currentTarget.getBoundingClientRect()
    return cellAt(grid, event.clientX - box.left - 1, event.clientY - box.top - 1)
  }
  const at = chosen ?? range.from
  return (
    <div className="map-area" ref={ref}>
      <canvas
        ref={canvas}
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
          const step = stepOf(event.key, grid)
          if (step === undefined) return
          event.preventDefault()
          choose(Math.max(range.from, Math.min(range.to - 1, at + step)))
        }}
      />
    </div>
  )
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
