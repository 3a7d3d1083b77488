import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { usePalette } from './palette.ts'

/**
 * A small line of shares 0 to 1 over the last minutes, without axes. `now` is the right edge and
 * `windowSeconds` the width, both in seconds.
 */
export const LoadLine = (props: {
  readonly seconds: readonly number[]
  readonly load: readonly (number | null)[]
  readonly now: number
  readonly windowSeconds: number
}) => {
  const { seconds, load, now, windowSeconds } = props
  const holder = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const palette = usePalette()

  useEffect(() => {
    const element = holder.current
    if (element === null) return
    const made = new uPlot(
      plotOptions(element.clientWidth, element.clientHeight, palette.accent),
      [[], []],
      element,
    )
    plot.current = made
    const watch = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: element.clientHeight }),
    )
    watch.observe(element)
    return () => {
      watch.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [palette])

  useEffect(() => {
    // One point is no line.
    const drawn = seconds.length > 1
    plot.current?.setData(drawn ? [[...seconds], [...load]] : [[], []], false)
    plot.current?.setScale('x', { min: now - windowSeconds, max: now })
  }, [seconds, load, now, windowSeconds, palette])

  return <div className="load-line" ref={holder} aria-hidden="true" />
}

const plotOptions = (width: number, height: number, colour: string): uPlot.Options => ({
  width,
  height,
  legend: { show: false },
  cursor: { show: false },
  axes: [{ show: false }, { show: false }],
  padding: [2, 0, 1, 0],
  scales: { x: { time: false }, y: { range: [0, 1] } },
  series: [
    {},
    { stroke: colour, width: 1.5, fill: `${colour}1f`, points: { show: false }, spanGaps: false },
  ],
})
