import { safe } from './screen.ts'
import type { Screen } from './screen.ts'

/** One column of a table; `text` need not be safe. */
export interface Column<Row> {
  readonly title: string
  readonly text: (row: Row) => string
  readonly right?: boolean
}

const gap = '  '

/** Rows below aligned titles; the last column is cut at the edge of a terminal, and nothing elsewhere. */
export const printTable = async <Row>(
  screen: Screen,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): Promise<void> => {
  const cells = rows.map((row) => columns.map((column) => safe(column.text(row))))
  const widths = columns.map((column, at) =>
    Math.max(textWidth(column.title), ...cells.map((line) => textWidth(line[at] ?? ''))),
  )
  const layOut = (line: readonly string[]): string =>
    line
      .map((text, at) => {
        const space = ' '.repeat(Math.max(0, (widths[at] ?? 0) - textWidth(text)))
        return columns[at]?.right === true ? space + text : text + space
      })
      .join(gap)
      .trimEnd()
  await screen.line(screen.style('dim', cut(layOut(columns.map(({ title }) => title)), screen)))
  for (const line of cells) await screen.line(cut(layOut(line), screen))
}

/** `name  value` lines with the names in one column; empty values are left out. */
export const printFields = async (
  screen: Screen,
  fields: readonly (readonly [string, string])[],
): Promise<void> => {
  const shown = fields.filter(([, value]) => value !== '')
  const width = Math.max(0, ...shown.map(([name]) => name.length))
  for (const [name, value] of shown) {
    await screen.line(`${screen.style('dim', name.padEnd(width))}${gap}${safe(value)}`)
  }
}

const cut = (line: string, { width }: Screen): string => {
  if (width === undefined || textWidth(line) <= width) return line
  let taken = ''
  for (const character of line) {
    if (textWidth(taken + character) > width - 1) break
    taken += character
  }
  return `${taken}…`
}

/** Columns a text takes in a terminal: wide East Asian characters and pictures two, marks above others none. */
const textWidth = (text: string): number => {
  // Almost all text is plain; the slow way is for the rest.
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length
  let width = 0
  for (const character of text) {
    if (/\p{M}|\u200d|\ufe0f/u.test(character)) continue
    width += wide.test(character) ? 2 : 1
  }
  return width
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u
