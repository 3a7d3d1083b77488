import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { usePalette } from '../../../ui/palette.ts'
import { useScale } from '../../../ui/scale.ts'
import { useWheel } from '../../../ui/wheel.ts'
import { barAt, drawTimeline, placeLanes, timeAt } from './draw.ts'
import type { Drawing, Measures } from './draw.ts'
import type { Bar, Lane } from './spans.ts'
import { within, zoomed } from './view.ts'
import type { TimeView } from './view.ts'

export interface TimelineCanvasProps {
  readonly lanes: readonly Lane[]
  readonly view: TimeView
  /** All there is: no view reaches beyond. */
  readonly all: TimeView
  readonly chosen: Bar | undefined
  readonly label: string
  readonly lastWords: (peer: string) => string
  readonly choose: (bar: Bar) => void
  readonly open: (bar: Bar) => void
  readonly show: (view: TimeView) => void
}

const zoomStep = 0.8

/** Lanes of bars. Drag or turn the wheel to zoom; arrow keys move between bars, + and - zoom. */
export const TimelineCanvas = (props: TimelineCanvasProps) => {
  const { view, all } = props
  const scroller = useRef<HTMLDivElement>(null)
  const [drag, setDrag] = useState<Drag>()
  const { canvas, size, measures, places, contentHeight } = useLayout(scroller, props.lanes)
  const brush =
    drag === undefined || Math.abs(drag.end - drag.start) < dragLeast
      ? undefined
      : brushOf(measures, view, drag)
  useDrawing(canvas, size, { ...props, measures, places, brush, until: all.to })
  useWheel(scroller, (event) => {
    const isScroll = contentHeight > size.height + 1
    if (isScroll && !event.ctrlKey && !event.metaKey) return
    event.preventDefault()
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect()
    const around = timeAt(measures, view, Math.max(measures.left, event.clientX - box.left))
    props.show(zoomed(view, all, event.deltaY < 0 ? zoomStep : 1 / zoomStep, around))
  })
  const pointAt = (event: React.PointerEvent): readonly [number, number] =>
    pointIn(event, size.scrollTop - measures.head)
  const barUnder = (event: React.PointerEvent): Bar | undefined =>
    barAt({ measures, places, view }, ...pointAt(event))
  return (
    <div className="timeline-scroll" ref={scroller}>
      <div style={{ height: contentHeight }}>
        <canvas
          ref={canvas}
          className="timeline-canvas"
          style={{ width: size.width, height: size.height }}
          tabIndex={0}
          role="application"
          aria-roledescription="timeline"
          aria-label={props.label}
          aria-describedby="timeline-chosen"
          onPointerDown={(event) => {
            const [x] = pointAt(event)
            event.currentTarget.setPointerCapture(event.pointerId)
            setDrag({ start: x, end: x })
          }}
          onPointerMove={(event) => {
            if (drag !== undefined) return setDrag({ ...drag, end: pointAt(event)[0] })
            const bar = barUnder(event)
            if (bar !== undefined && bar.span !== props.chosen?.span) props.choose(bar)
          }}
          onPointerUp={(event) => {
            setDrag(undefined)
            if (brush !== undefined) return props.show(within(brush, all))
            const bar = barUnder(event)
            if (bar !== undefined) props.open(bar)
          }}
          onPointerCancel={() => setDrag(undefined)}
          onKeyDown={(event) => {
            if (takeKey(event.key, props)) event.preventDefault()
          }}
        />
      </div>
    </div>
  )
}

/** Where the pointer is, inside the scrolled lanes. */
const pointIn = (event: React.PointerEvent, down: number): readonly [number, number] => {
  const box = event.currentTarget.getBoundingClientRect()
  return [event.clientX - box.left, event.clientY - box.top + down]
}

/** From where to where the pointer was drawn, px. */
interface Drag {
  readonly start: number
  readonly end: number
}

interface Size {
  readonly width: number
  readonly height: number
  readonly scrollTop: number
}

/** Where everything stands in a scrolled box. */
const useLayout = (scroller: React.RefObject<HTMLElement | null>, lanes: readonly Lane[]) => {
  const scale = useScale()
  const canvas = useRef<HTMLCanvasElement>(null)
  const [size, setSize] = useState<Size>({ width: 0, height: 0, scrollTop: 0 })
  useSize(scroller, setSize)
  const head = 28 * scale
  const { width, height } = size
  const measures: Measures = { scale, left: 116 * scale, head, width, height }
  const { places, height: lanesHeight } = useMemo(
    () => placeLanes(lanes, height - head, scale),
    [lanes, height, head, scale],
  )
  return { canvas, size, measures, places, contentHeight: Math.max(height, lanesHeight + head) }
}

const useDrawing = (
  canvas: React.RefObject<HTMLCanvasElement | null>,
  size: Size,
  drawing: Omit<Drawing, 'palette' | 'scrollTop'>,
): void => {
  const palette = usePalette()
  useEffect(() => {
    const element = canvas.current
    const context = element?.getContext('2d')
    if (element === null || context === null || context === undefined || size.width === 0) return
    const ratio = globalThis.devicePixelRatio
    const [width, height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)]
    if (element.width !== width) element.width = width
    if (element.height !== height) element.height = height
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    drawTimeline(context, { ...drawing, palette, scrollTop: size.scrollTop })
  })
}

/** A drag shorter than this is a click, px. */
const dragLeast = 6

const brushOf = (measures: Measures, view: TimeView, { start, end }: Drag): TimeView => {
  const [a, b] = [start, end].map((x) =>
    timeAt(measures, view, Math.max(measures.left, Math.min(measures.width, x))),
  )
  return { from: Math.min(a ?? 0, b ?? 0), to: Math.max(a ?? 0, b ?? 0) }
}

/** Follows size and scrolling of an element. */
const useSize = (ref: React.RefObject<HTMLElement | null>, set: (size: Size) => void): void => {
  useLayoutEffect(() => {
    const element = ref.current
    if (element === null) return undefined
    const read = (): void =>
      set({
        width: element.clientWidth,
        height: element.clientHeight,
        scrollTop: element.scrollTop,
      })
    read()
    const watch = new ResizeObserver(read)
    watch.observe(element)
    element.addEventListener('scroll', read, { passive: true })
    return () => {
      watch.disconnect()
      element.removeEventListener('scroll', read)
    }
  }, [ref, set])
}

/** Does what a key asks for; false if it asks for nothing. */
const takeKey = (key: string, props: TimelineCanvasProps): boolean => {
  const { view, all, chosen, lanes } = props
  const middle = chosen === undefined ? (view.from + view.to) / 2 : chosen.from
  const around = Math.max(view.from, Math.min(view.to, middle))
  if (key === '+' || key === '=') props.show(zoomed(view, all, 0.5, around))
  else if (key === '-') props.show(zoomed(view, all, 2, around))
  else if (key === '0') props.show(all)
  else if (key === 'Enter' && chosen !== undefined) props.open(chosen)
  else {
    const next = neighbour(key, lanes, chosen, view)
    if (next === undefined) return false
    props.choose(next)
    if (next.to < view.from || next.from > view.to) {
      const half = (view.to - view.from) / 2
      props.show(within({ from: next.from - half, to: next.from + half }, all))
    }
  }
  return true
}

/** The bar that an arrow key leads to: by time on the same lane, or about the same time on the next. */
const neighbour = (
  key: string,
  lanes: readonly Lane[],
  chosen: Bar | undefined,
  view: TimeView,
): Bar | undefined => {
  if (!/^Arrow|^Home$|^End$/.test(key)) return undefined
  const at = lanes.findIndex(({ peer }) => peer === chosen?.span.peer)
  const lane = lanes[Math.max(0, at)]
  if (chosen === undefined || at === -1) return lane?.bars.find(({ to }) => to >= view.from)
  const place = lane?.bars.findIndex(({ span }) => span === chosen.span) ?? 0
  if (key === 'ArrowRight') return lane?.bars[place + 1] ?? chosen
  if (key === 'ArrowLeft') return lane?.bars[place - 1] ?? chosen
  if (key === 'Home') return lane?.bars[0]
  if (key === 'End') return lane?.bars.at(-1)
  const other = lanes[at + (key === 'ArrowDown' ? 1 : -1)]
  return other === undefined ? chosen : nearest(other.bars, chosen.from)
}

const nearest = (bars: readonly Bar[], at: number): Bar | undefined => {
  let best: Bar | undefined
  for (const bar of bars)
    if (best === undefined || Math.abs(bar.from - at) < Math.abs(best.from - at)) best = bar
  return best
}
