import type { Palette } from '../../../theme/colours.ts'
import { gapsOf, outcomes } from './spans.ts'
import type { Bar, Gap, Lane } from './spans.ts'
import { clockText, ticksOf } from './view.ts'
import type { TimeView } from './view.ts'

/** Where lanes stand, in CSS px inside the scrolled content. */
export interface LanePlace {
  readonly lane: Lane
  readonly top: number
  readonly rowHeight: number
}

export interface Measures {
  /** Everything is drawn larger by this on large screens. */
  readonly scale: number
  /** Left of it stand names, right of it bars. */
  readonly left: number
  /** Above it stand times. */
  readonly head: number
  readonly width: number
  readonly height: number
}

export interface Drawing {
  readonly measures: Measures
  readonly places: readonly LanePlace[]
  readonly scrollTop: number
  readonly view: TimeView
  readonly palette: Palette
  readonly chosen: Bar | undefined
  /** Being drawn with the pointer, in times. */
  readonly brush: TimeView | undefined
  /** Why nothing runs on a peer now. */
  readonly lastWords: (peer: string) => string
  /** End of what is known: a gap up to it is a gap. */
  readonly until: number
}

const laneGap = 10

/** Lanes as high as they fit: rows of 6 to 24 px. */
export const placeLanes = (
  lanes: readonly Lane[],
  height: number,
  scale: number,
): { readonly places: readonly LanePlace[]; readonly height: number } => {
  const rows = lanes.reduce((sum, lane) => sum + lane.rows, 0)
  const free = height - lanes.length * laneGap * scale
  const rowHeight = Math.max(6, Math.min(24, Math.floor(free / Math.max(1, rows) / scale))) * scale
  let top = 0
  const places = lanes.map((lane) => {
    const place = { lane, top: top + (laneGap / 2) * scale, rowHeight }
    // A lane of one thin row still has room for its name.
    top += Math.max(lane.rows * rowHeight, 16 * scale) + laneGap * scale
    return place
  })
  return { places, height: top }
}

export const xOf = ({ left, width }: Measures, view: TimeView, at: number): number =>
  left + ((at - view.from) / (view.to - view.from)) * (width - left)

export const timeAt = ({ left, width }: Measures, view: TimeView, x: number): number =>
  view.from + ((x - left) / Math.max(1, width - left)) * (view.to - view.from)

/** Draws lanes, bars and times. The context is scaled so that one unit is one CSS px. */
export const drawTimeline = (context: CanvasRenderingContext2D, drawing: Drawing): void => {
  const { measures, places, scrollTop } = drawing
  context.clearRect(0, 0, measures.width, measures.height)
  drawTicks(context, drawing)
  context.save()
  context.beginPath()
  context.rect(0, measures.head, measures.width, measures.height - measures.head)
  context.clip()
  context.translate(0, measures.head - scrollTop)
  for (const place of places) {
    const bottom = place.top + place.lane.rows * place.rowHeight + 20 * measures.scale
    if (bottom < scrollTop || place.top > scrollTop + measures.height) continue
    drawLane(context, drawing, place)
  }
  context.restore()
  if (drawing.brush !== undefined) drawBrush(context, drawing, drawing.brush)
}

const font = (scale: number, weight = 400): string =>
  `${weight} ${12 * scale}px 'Inter Variable', system-ui, sans-serif`

const drawTicks = (context: CanvasRenderingContext2D, drawing: Drawing): void => {
  const { measures, view, palette } = drawing
  const { scale, left, head, width, height } = measures
  const ticks = ticksOf(view, (width - left) / (110 * scale))
  const withMs = (ticks[1] ?? 1_000) - (ticks[0] ?? 0) < 1_000
  context.font = font(scale)
  context.textBaseline = 'middle'
  context.textAlign = 'center'
  for (const at of ticks) {
    const x = Math.round(xOf(measures, view, at)) + 0.5
    context.strokeStyle = palette.border
    context.lineWidth = 1
    context.beginPath()
    context.moveTo(x, head - 4 * scale)
    context.lineTo(x, height)
    context.stroke()
    const half = (withMs ? 42 : 28) * scale
    if (x - half < left - 8 * scale || x + half > width) continue
    context.fillStyle = palette.muted
    context.fillText(clockText(at, withMs), x, head / 2 - 2 * scale)
  }
}

const drawLane = (context: CanvasRenderingContext2D, drawing: Drawing, place: LanePlace): void => {
  const { measures, palette, view } = drawing
  const { lane, top, rowHeight } = place
  const { scale, left, width } = measures
  const high = lane.rows * rowHeight
  context.font = font(scale, 500)
  context.textBaseline = 'middle'
  context.textAlign = 'left'
  context.fillStyle = palette.text
  context.fillText(lane.name, 0, top + Math.max(high, 16 * scale) / 2, left - 12 * scale)
  context.save()
  context.beginPath()
  context.rect(left, top - 4 * scale, width - left, Math.max(high, 16 * scale) + 8 * scale)
  context.clip()
  const leastMs = ((view.to - view.from) / Math.max(1, width - left)) * 24 * scale
  const words = drawing.lastWords(lane.peer)
  for (const gap of gapsOf(lane, { leastMs, until: drawing.until, lastWords: words }))
    drawGap(context, drawing, place, gap)
  // Failures last, so that none is hidden.
  const seen = lane.bars.filter((bar) => bar.to >= view.from && bar.from <= view.to)
  const isFailure = ({ span }: Bar): boolean =>
    span.outcome === 'failed' || span.outcome === 'charged'
  for (const bar of seen) if (!isFailure(bar)) drawBar(context, drawing, place, bar)
  for (const bar of seen) if (isFailure(bar)) drawBar(context, drawing, place, bar)
  if (drawing.chosen?.span.peer === lane.peer) frameBar(context, drawing, place)
  context.restore()
}

const boxOf = (drawing: Drawing, { top, rowHeight }: LanePlace, bar: Bar) => {
  const from = xOf(drawing.measures, drawing.view, bar.from)
  const to = xOf(drawing.measures, drawing.view, bar.to)
  // A hair of panel between neighbours, where there is room for one.
  const gap = to - from > 4 ? 1 : 0
  return {
    x: from,
    y: top + bar.row * rowHeight,
    width: Math.max(1, to - from - gap),
    height: rowHeight - (rowHeight > 4 ? 1 : 0),
  }
}

const drawBar = (
  context: CanvasRenderingContext2D,
  drawing: Drawing,
  place: LanePlace,
  bar: Bar,
): void => {
  const { palette, measures } = drawing
  const { x, y, width, height } = boxOf(drawing, place, bar)
  const { tone } = outcomes[bar.span.outcome]
  context.fillStyle = palette.states[tone].mark
  context.strokeStyle = palette.states[tone].mark
  context.lineWidth = 1
  if (tone === 'canceled') {
    context.strokeRect(x + 0.5, y + 0.5, Math.max(1, width - 1), height - 1)
  } else if (tone === 'failed') {
    context.fillRect(x, y, Math.max(2, width), height)
    if (width > 10) cross(context, palette.panel, { x, y, height })
  } else if (tone === 'retried') {
    context.fillRect(x, y, Math.max(2, width), height)
    // The notch of all that was tried again.
    if (width > 8) context.clearRect(x + width - 4, y, 4, height / 2)
  } else {
    context.fillRect(x, y, width, height)
  }
  if (tone !== 'canceled' && width > 44 * measures.scale && height >= 13 * measures.scale) {
    context.font = `${10 * measures.scale}px 'JetBrains Mono', monospace`
    context.fillStyle = palette.panel
    context.textAlign = 'left'
    const room = tone === 'failed' ? 14 * measures.scale : 5 * measures.scale
    context.fillText(String(bar.span.miniBatch), Math.max(x, measures.left) + room, y + height / 2)
  }
}

const cross = (
  context: CanvasRenderingContext2D,
  colour: string,
  { x, y, height }: { readonly x: number; readonly y: number; readonly height: number },
): void => {
  const arm = Math.min(3, height / 4)
  const [middleX, middleY] = [x + 6, y + height / 2]
  context.strokeStyle = colour
  context.lineWidth = 1.5
  context.beginPath()
  context.moveTo(middleX - arm, middleY - arm)
  context.lineTo(middleX + arm, middleY + arm)
  context.moveTo(middleX + arm, middleY - arm)
  context.lineTo(middleX - arm, middleY + arm)
  context.stroke()
}

const frameBar = (context: CanvasRenderingContext2D, drawing: Drawing, place: LanePlace): void => {
  const { chosen, palette } = drawing
  if (chosen === undefined) return
  const { x, y, width, height } = boxOf(drawing, place, chosen)
  context.strokeStyle = palette.text
  context.lineWidth = 2
  context.strokeRect(x - 1, y - 1, width + 2, height + 2)
}

const drawGap = (
  context: CanvasRenderingContext2D,
  drawing: Drawing,
  { lane, top, rowHeight }: LanePlace,
  gap: Gap,
): void => {
  const { measures, view, palette } = drawing
  const from = Math.max(measures.left, xOf(measures, view, gap.from))
  const to = Math.min(measures.width, xOf(measures, view, gap.to))
  const middle = top + Math.max(lane.rows * rowHeight, 16 * measures.scale) / 2
  context.strokeStyle = palette.controlBorder
  context.lineWidth = 1
  context.setLineDash([2, 3])
  context.font = font(measures.scale)
  const words = gap.words
  const wide = context.measureText(words).width
  const fits = words !== '' && to - from > wide + 24 * measures.scale
  context.beginPath()
  context.moveTo(from + 3, middle)
  context.lineTo(fits ? (from + to - wide) / 2 - 6 : to - 3, middle)
  if (fits) {
    context.moveTo((from + to + wide) / 2 + 6, middle)
    context.lineTo(to - 3, middle)
  }
  context.stroke()
  context.setLineDash([])
  if (!fits) return
  context.fillStyle = palette.muted
  context.textAlign = 'center'
  context.fillText(words, (from + to) / 2, middle)
}

const drawBrush = (
  context: CanvasRenderingContext2D,
  { measures, view, palette }: Drawing,
  brush: TimeView,
): void => {
  const from = xOf(measures, view, brush.from)
  const to = xOf(measures, view, brush.to)
  context.globalAlpha = 0.16
  context.fillStyle = palette.accent
  context.fillRect(from, measures.head, to - from, measures.height - measures.head)
  context.globalAlpha = 1
  context.strokeStyle = palette.accent
  context.lineWidth = 1
  context.strokeRect(
    from + 0.5,
    measures.head + 0.5,
    to - from,
    measures.height - measures.head - 1,
  )
}

/** The bar under a point of the scrolled content, or within a few px of it; undefined beside all. */
export const barAt = (
  drawing: Pick<Drawing, 'measures' | 'places' | 'view'>,
  x: number,
  y: number,
): Bar | undefined => {
  const place = drawing.places.find(
    ({ lane, top, rowHeight }) => y >= top && y < top + lane.rows * rowHeight,
  )
  if (place === undefined || x < drawing.measures.left) return undefined
  const row = Math.floor((y - place.top) / place.rowHeight)
  const [from, to] = [x - 3, x + 3].map((each) => timeAt(drawing.measures, drawing.view, each))
  const at = timeAt(drawing.measures, drawing.view, x)
  let best: Bar | undefined
  for (const bar of place.lane.bars) {
    if (bar.row !== row || bar.to < (from ?? 0) || bar.from > (to ?? 0)) continue
    if (best === undefined || distance(bar, at) < distance(best, at)) best = bar
  }
  return best
}

const distance = (bar: Bar, at: number): number =>
  at < bar.from ? bar.from - at : at > bar.to ? at - bar.to : 0
