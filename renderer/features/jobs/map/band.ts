import type { Palette } from '../../../theme/colours.ts'

/** How many mini-batches of a column are in each state that a band shows. */
export interface BandColumns {
  readonly count: number
  readonly committed: Uint32Array
  readonly retried: Uint32Array
  readonly running: Uint32Array
  readonly failed: Uint32Array
  /** Mini-batches in each column. */
  readonly sizes: Uint32Array
}

const codes = { c: 99, r: 114, l: 108, f: 102 } as const

/** All mini-batches gathered into `count` columns of equal width, in one pass. */
export const bandColumns = (states: string, count: number): BandColumns => {
  const make = (): Uint32Array => new Uint32Array(count)
  const band = {
    count,
    committed: make(),
    retried: make(),
    running: make(),
    failed: make(),
    sizes: make(),
  }
  const all = states.length
  for (let column = 0; column < count; column += 1) {
    const from = Math.floor((column * all) / count)
    const to = Math.floor(((column + 1) * all) / count)
    const tally = [0, 0, 0, 0] as [number, number, number, number]
    for (let index = from; index < to; index += 1) {
      const code = states.charCodeAt(index)
      if (code === codes.c) tally[0] += 1
      else if (code === codes.r) tally[1] += 1
      else if (code === codes.l) tally[2] += 1
      else if (code === codes.f) tally[3] += 1
    }
    ;[band.committed[column], band.retried[column], band.running[column], band.failed[column]] =
      tally
    band.sizes[column] = to - from
  }
  return band
}

/** Marks of states that are rare stay at least so high, px. */
const leastMark = 3

/** The whole job as a band: from below, how much of each column is committed, retried, running; failures from above. */
export const drawBand = (
  context: CanvasRenderingContext2D,
  picture: {
    readonly band: BandColumns
    readonly height: number
    readonly palette: Palette
    /** Shares 0 to 1 of the job that the cells below show. */
    readonly shown: { readonly from: number; readonly to: number }
  },
): void => {
  const { band, height, palette } = picture
  context.clearRect(0, 0, band.count, height)
  context.fillStyle = palette.border
  context.fillRect(0, 0, band.count, height)
  const part = (count: number, size: number): number =>
    count === 0 ? 0 : Math.max(leastMark, (count / size) * height)
  for (let column = 0; column < band.count; column += 1) {
    const size = band.sizes[column] ?? 0
    if (size === 0) continue
    const at = (counts: Uint32Array): number => counts[column] ?? 0
    let top = height
    for (const [counts, tone] of [
      [band.committed, 'committed'],
      [band.retried, 'retried'],
      [band.running, 'running'],
    ] as const) {
      const high = part(at(counts), size)
      if (high === 0) continue
      top -= high
      context.fillStyle = palette.states[tone].mark
      context.fillRect(column, Math.max(0, top), 1, high)
    }
    if (at(band.failed) === 0) continue
    context.fillStyle = palette.states.failed.mark
    // Two wide and drawn over its neighbours: one failure among a million is seen.
    context.fillRect(column - 0.5, 0, 2, Math.max(leastMark * 2, part(at(band.failed), size)))
  }
  frameShown(context, picture)
}

const frameShown = (
  context: CanvasRenderingContext2D,
  { band, height, palette, shown }: Parameters<typeof drawBand>[1],
): void => {
  const from = shown.from * band.count
  const to = Math.max(from + 2, shown.to * band.count)
  if (shown.from <= 0 && shown.to >= 1) return
  context.fillStyle = palette.panel
  context.globalAlpha = 0.6
  context.fillRect(0, 0, from, height)
  context.fillRect(to, 0, band.count - to, height)
  context.globalAlpha = 1
  context.strokeStyle = palette.text
  context.lineWidth = 2
  context.strokeRect(from + 1, 1, to - from - 2, height - 2)
}
