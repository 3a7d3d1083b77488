import type { RowView } from '../../../../protocol/control/job-views.ts'

/** A column made from the keys of the rows' values. */
export interface ValueColumn {
  readonly key: string
  readonly head: string
  readonly numeric: boolean
  readonly textOf: (value: unknown) => string
}

/** More columns would not be read; the row's own file has them all. */
const columnsShown = 6
/** So many rows tell the columns; more would only cost time. */
const rowsAsked = 50

/** Columns for rows whose values are objects; other values get the one column `Value`, failures `Reason`. */
export const valueColumns = (rows: readonly RowView[]): readonly ValueColumn[] => {
  const asked = rows.filter(({ failure }) => failure === '').slice(0, rowsAsked)
  const keys = new Set<string>()
  for (const { value } of asked) {
    if (isRecord(value)) for (const key of Object.keys(value)) keys.add(key)
  }
  const told = [...keys].filter((key) => !asked.every((row) => repeatsItem(row, key)))
  if (told.length === 0) return [columnOf('', asked.length === 0 ? 'Reason' : 'Value', asked)]
  return told.slice(0, columnsShown).map((key) => columnOf(key, headOf(key), asked))
}

/** Whether a field says only what the item's own column says. */
const repeatsItem = ({ name, value }: RowView, key: string): boolean =>
  isRecord(value) && (value[key] === name || value[key] === name.split('/').at(-1))

const columnOf = (key: string, head: string, rows: readonly RowView[]): ValueColumn => {
  const pick = (value: unknown): unknown => (key === '' ? value : isRecord(value) ? value[key] : '')
  const values = rows.map(({ value }) => pick(value))
  const numbers = values.filter((value) => typeof value === 'number')
  const numeric = values.length > 0 && numbers.length === values.length
  const fraction = numeric && numbers.some((value) => !Number.isInteger(value))
  const isShare = fraction && numbers.every((value) => value >= 0 && value <= 1)
  return {
    key,
    head,
    numeric,
    textOf: (value) => {
      const told = pick(value)
      if (typeof told !== 'number') return textOf(told)
      return isShare ? told.toFixed(3) : fraction ? told.toPrecision(5) : String(told)
    },
  }
}

const textOf = (value: unknown): string => {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** `class_name` and `className` become `Class name`. */
const headOf = (key: string): string => {
  const words = key
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]+/g, ' ')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
