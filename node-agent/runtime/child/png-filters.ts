/**
 * Undoes the filters of a PNG's rows in place (PNG specification, section 9): `data` holds `rows` rows, each
 * with its filter type in front; afterwards the rows stand at the beginning without those. `step` is the
 * distance in bytes to the same sample of the pixel to the left. False: a filter type that does not exist.
 */
export const undoFilters = (data: Uint8Array, rows: number, step: number): boolean => {
  const stride = data.length / rows - 1
  for (let y = 0; y < rows; y += 1) {
    const row: Row = {
      data,
      to: y * stride,
      from: y * (stride + 1) + 1,
      stride,
      step,
      first: y === 0,
    }
    switch (data[row.from - 1]) {
      case 0:
        data.copyWithin(row.to, row.from, row.from + stride)
        break
      case 1:
        undoSub(row)
        break
      case 2:
        undoUp(row)
        break
      case 3:
        undoAverage(row)
        break
      case 4:
        undoPaeth(row)
        break
      default:
        return false
    }
  }
  return true
}

/** The row above ends where this one begins: its samples are at `to - stride`. */
interface Row {
  readonly data: Uint8Array
  readonly to: number
  readonly from: number
  readonly stride: number
  readonly step: number
  readonly first: boolean
}

const undoSub = ({ data, to, from, stride, step }: Row): void => {
  for (let x = 0; x < stride; x += 1) {
    const left = x < step ? 0 : (data[to + x - step] ?? 0)
    data[to + x] = (data[from + x] ?? 0) + left
  }
}

const undoUp = ({ data, to, from, stride, first }: Row): void => {
  for (let x = 0; x < stride; x += 1) {
    const above = first ? 0 : (data[to + x - stride] ?? 0)
    data[to + x] = (data[from + x] ?? 0) + above
  }
}

const undoAverage = ({ data, to, from, stride, step, first }: Row): void => {
  for (let x = 0; x < stride; x += 1) {
    const left = x < step ? 0 : (data[to + x - step] ?? 0)
    const above = first ? 0 : (data[to + x - stride] ?? 0)
    data[to + x] = (data[from + x] ?? 0) + ((left + above) >> 1)
  }
}

const undoPaeth = ({ data, to, from, stride, step, first }: Row): void => {
  for (let x = 0; x < stride; x += 1) {
    const left = x < step ? 0 : (data[to + x - step] ?? 0)
    const above = first ? 0 : (data[to + x - stride] ?? 0)
    const corner = first || x < step ? 0 : (data[to + x - stride - step] ?? 0)
    const guess = left + above - corner
    const toLeft = Math.abs(guess - left)
    const toAbove = Math.abs(guess - above)
    const toCorner = Math.abs(guess - corner)
    const nearest =
      toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner
    data[to + x] = (data[from + x] ?? 0) + nearest
  }
}
