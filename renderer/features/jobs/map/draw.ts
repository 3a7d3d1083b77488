import type { Palette } from '../../../theme/colours.ts'
import type { StateTone } from '../../../theme/colours.ts'
import { cellStateAt } from './cells.ts'
import type { Grid } from './cells.ts'

export interface Picture {
  readonly states: string
  readonly grid: Grid
  readonly palette: Palette
  /** Mini-batches with which another peer's run begins, in their order. */
  readonly runStarts: readonly number[]
}

/** Shapes need so many pixels; smaller cells are told apart by colour and the line below the map. */
const shapePx = 9

/** Draws the map. The context is scaled so that one unit is one CSS px. */
export const drawMap = (context: CanvasRenderingContext2D, picture: Picture): void => {
  const { grid } = picture
  const cells = Math.ceil((grid.to - grid.from) / grid.perCell)
  for (let cell = 0; cell < cells; cell += 1) {
    const x = (cell % grid.columns) * grid.size
    const y = Math.floor(cell / grid.columns) * grid.size
    if (grid.perCell === 1) drawCell(context, picture, { index: grid.from + cell, x, y })
    else drawDensity(context, picture, { index: grid.from + cell * grid.perCell, x, y })
  }
  if (grid.perCell === 1 && grid.size >= lineLeastPx) drawRunStarts(context, picture)
}

/** Between cells, px: small ones would fade if they stood as far apart as large ones. */
const gapOf = ({ size }: Grid): number => (size >= shapePx ? 2 : 1)

/** In smaller cells a line between them would be all there is to see. */
const lineLeastPx = 6

/** A thin line in the gap before the first cell of each peer's run. */
const drawRunStarts = (context: CanvasRenderingContext2D, picture: Picture): void => {
  const { grid, palette, runStarts } = picture
  context.fillStyle = palette.text
  for (const index of runStarts) {
    if (index <= grid.from || index >= grid.to) continue
    const cell = index - grid.from
    const x = (cell % grid.columns) * grid.size
    const y = Math.floor(cell / grid.columns) * grid.size
    // The first column's gap is the margin of one px around the map.
    context.fillRect(Math.max(-1, x - gapOf(grid)), y - 1, 1, grid.size)
  }
}

interface Place {
  readonly index: number
  readonly x: number
  readonly y: number
}

const drawCell = (context: CanvasRenderingContext2D, picture: Picture, place: Place): void => {
  const { grid, palette, states } = picture
  const { tone } = cellStateAt(states, place.index)
  const side = grid.size - gapOf(grid)
  if (grid.size >= shapePx) drawShape(context, palette, { tone, ...place, side })
  else {
    context.fillStyle =
      tone === 'waiting' || tone === 'canceled' ? palette.border : palette.states[tone].mark
    context.fillRect(place.x, place.y, side, side)
  }
}

const drawShape = (
  context: CanvasRenderingContext2D,
  palette: Palette,
  cell: { tone: StateTone; x: number; y: number; side: number },
): void => {
  const { tone, x, y, side } = cell
  const { mark } = palette.states[tone]
  context.fillStyle = mark
  context.strokeStyle = mark
  context.lineWidth = 1
  switch (tone) {
    case 'waiting':
    case 'paused':
    case 'canceled':
      context.globalAlpha = 0.55
      context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1)
      context.globalAlpha = 1
      if (tone === 'canceled') line(context, [x + 1, y + side - 1, x + side - 1, y + 1])
      return
    case 'failed':
      context.lineWidth = 2
      line(context, [x + 1.5, y + 1.5, x + side - 1.5, y + side - 1.5])
      line(context, [x + side - 1.5, y + 1.5, x + 1.5, y + side - 1.5])
      return
    case 'running':
      context.beginPath()
      context.arc(x + side / 2, y + side / 2, side / 2, 0, Math.PI * 2)
      context.fill()
      return
    case 'retried':
      context.fillRect(x, y, side, side)
      context.clearRect(x + side / 2, y, side / 2, side / 2)
      return
    case 'committed':
      context.fillRect(x, y, side, side)
  }
}

const line = (
  context: CanvasRenderingContext2D,
  [x1, y1, x2, y2]: readonly [number, number, number, number],
): void => {
  context.beginPath()
  context.moveTo(x1, y1)
  context.lineTo(x2, y2)
  context.stroke()
}

const codes = { c: 99, r: 114, l: 108, f: 102 } as const

/** One cell for several mini-batches: how much is committed as strength; one failure colours the cell. */
const drawDensity = (context: CanvasRenderingContext2D, picture: Picture, place: Place): void => {
  const { grid, palette, states } = picture
  const end = Math.min(grid.to, place.index + grid.perCell)
  const counts = { committed: 0, running: 0, failed: 0, retried: 0 }
  for (let index = place.index; index < end; index += 1) {
    const code = states.charCodeAt(index)
    if (code === codes.c) counts.committed += 1
    else if (code === codes.r) counts.retried += 1
    else if (code === codes.l) counts.running += 1
    else if (code === codes.f) counts.failed += 1
  }
  const all = end - place.index
  const fill = (colour: string, alpha: number): void => {
    context.globalAlpha = alpha
    context.fillStyle = colour
    context.fillRect(place.x, place.y, grid.size - 1, grid.size - 1)
    context.globalAlpha = 1
  }
  fill(palette.border, 1)
  const done = (counts.committed + counts.retried) / all
  if (done > 0) fill(palette.states.committed.mark, 0.25 + 0.75 * done)
  if (counts.running > 0) fill(palette.states.running.mark, 0.35 + 0.65 * (counts.running / all))
  if (counts.retried > 0) fill(palette.states.retried.mark, 0.5 + 0.5 * (counts.retried / all))
  if (counts.failed > 0) fill(palette.states.failed.mark, 1)
}

/** Draws the frame around a chosen mini-batch, on a canvas of its own above the map. */
export const drawFrame = (
  context: CanvasRenderingContext2D,
  { grid, palette }: Pick<Picture, 'grid' | 'palette'>,
  index: number,
): void => {
  if (index < grid.from || index >= grid.to) return
  const cell = Math.floor((index - grid.from) / grid.perCell)
  const x = (cell % grid.columns) * grid.size
  const y = Math.floor(cell / grid.columns) * grid.size
  context.strokeStyle = palette.text
  context.lineWidth = 2
  context.strokeRect(x - 1, y - 1, grid.size, grid.size)
}
