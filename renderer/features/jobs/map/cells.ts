import type { StateTone } from '../../../theme/colours.ts'

/** The characters of `miniBatchMapView.states`, as tones and words. */
export interface CellState {
  readonly letter: string
  readonly tone: StateTone
  readonly word: string
}

/** In the order of the legend. */
export const cellStates: readonly CellState[] = [
  { letter: 'c', tone: 'committed', word: 'Committed' },
  { letter: 'r', tone: 'retried', word: 'Committed after a retry' },
  { letter: 'l', tone: 'running', word: 'Running' },
  { letter: '.', tone: 'waiting', word: 'Pending' },
  { letter: 'h', tone: 'retried', word: 'Halved' },
  { letter: 'f', tone: 'failed', word: 'Failed' },
  { letter: 'x', tone: 'canceled', word: 'Canceled' },
]

const stateByLetter = new Map(cellStates.map((state) => [state.letter, state]))
const pending: CellState = { letter: '.', tone: 'waiting', word: 'Pending' }

export const cellStateAt = (states: string, index: number): CellState =>
  stateByLetter.get(states[index] ?? '.') ?? pending

/** How many mini-batches are in each state. */
export const countCells = (states: string): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  // By code: a million strings of one letter would be made otherwise, every second.
  const byCode = new Uint32Array(128)
  for (let index = 0; index < states.length; index += 1) {
    const code = states.charCodeAt(index) & 127
    byCode[code] = (byCode[code] ?? 0) + 1
  }
  for (const [code, count] of byCode.entries())
    if (count > 0) counts.set(String.fromCharCode(code), count)
  return counts
}

/** Where cells stand: `columns` a line, each `size` px wide and high, for `perCell` mini-batches. */
export interface Grid {
  readonly from: number
  readonly to: number
  readonly columns: number
  readonly size: number
  readonly perCell: number
}

const sizeMost = 26
/** Below this a cell cannot be told from its neighbour: then one cell stands for several mini-batches. */
const sizeLeast = 4

/** The largest cells with which mini-batches `from` to `to` fit into the area. */
export const layCells = (
  range: { from: number; to: number },
  width: number,
  height: number,
): Grid => {
  const count = Math.max(1, range.to - range.from)
  for (let size = sizeMost; size >= sizeLeast; size -= 1) {
    const columns = Math.max(1, Math.floor(width / size))
    if (columns * Math.floor(height / size) >= count) return { ...range, columns, size, perCell: 1 }
  }
  const columns = Math.max(1, Math.floor(width / sizeLeast))
  const room = columns * Math.max(1, Math.floor(height / sizeLeast))
  return { ...range, columns, size: sizeLeast, perCell: Math.ceil(count / room) }
}

/** First mini-batch of the cell under a point, or undefined beside the cells. */
export const cellAt = (grid: Grid, x: number, y: number): number | undefined => {
  const column = Math.floor(x / grid.size)
  if (column < 0 || column >= grid.columns || y < 0) return undefined
  const cell = Math.floor(y / grid.size) * grid.columns + column
  const index = grid.from + cell * grid.perCell
  return index < grid.to ? index : undefined
}
