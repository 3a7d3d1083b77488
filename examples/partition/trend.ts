/** A straight line: `base` at week 0, and `slope` more every week. */
export interface Trend {
  readonly base: number
  readonly slope: number
}

/** The line with the least squares through points of week and quantity; flat where all weeks are one. */
export const fitTrend = (points: readonly (readonly [number, number])[]): Trend => {
  const count = points.length
  const meanWeek = points.reduce((sum, [week]) => sum + week, 0) / count
  const mean = points.reduce((sum, [, quantity]) => sum + quantity, 0) / count
  let together = 0
  let spread = 0
  for (const [week, quantity] of points) {
    together += (week - meanWeek) * (quantity - mean)
    spread += (week - meanWeek) ** 2
  }
  const slope = spread === 0 ? 0 : together / spread
  return { base: mean - slope * meanWeek, slope }
}
