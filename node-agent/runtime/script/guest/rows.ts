/** What `run` returned, as JSON texts; or a sentence that says why it cannot be rows. */
export interface Returned {
  readonly rows: readonly string[]
  readonly keys: readonly (string | null)[] | null
}

/** Most rows and bytes of text: given by the runtime process's own limits, checked there again. */
export interface RowLimits {
  readonly rows: number
  readonly bytes: number
  readonly rowBytes: number
}

export const readReturned = (value: unknown, most: RowLimits): Returned | string => {
  const elements = toElements(value, most.rows)
  if (typeof elements === 'string') return elements
  if (elements.length > most.rows)
    return `run() returned ${elements.length} rows, more than the ${most.rows} that one mini-batch may have: use smaller mini-batches.`
  const rows: string[] = []
  const keys: (string | null)[] = []
  let keyed = false
  let bytes = 0
  for (let at = 0; at < elements.length; at += 1) {
    const element: unknown = elements[at]
    const text = toText(element, at)
    if (text.problem !== undefined) return text.problem
    if (text.row.length > most.rowBytes)
      return `Element ${at} of what run() returned is ${text.row.length} characters long as JSON, more than the ${most.rowBytes} that a row may have.`
    bytes += text.row.length
    if (bytes > most.bytes)
      return `What run() returned is longer than the ${most.bytes} bytes that one mini-batch may return: use smaller mini-batches.`
    rows.push(text.row)
    const key = keyOf(element)
    keyed ||= key !== null
    keys.push(key)
  }
  return { rows, keys: keyed ? keys : null }
}

const nothing =
  'it must return a list, a typed array, or columns, with one element for each item that succeeded'

const toElements = (value: unknown, most: number): ArrayLike<unknown> | string => {
  if (value === undefined) return `run() returned nothing: ${nothing}.`
  if (Array.isArray(value) || isNumbers(value)) return value
  if (typeof value !== 'object' || value === null)
    return `run() returned ${value === null ? 'null' : `a ${typeof value}`}: ${nothing}.`
  const columns = Object.entries(value)
  const lengths = new Set<number>()
  for (const [name, column] of columns) {
    if (!Array.isArray(column) && !isNumbers(column))
      return `run() returned an object whose "${name}" is no list: ${nothing}.`
    lengths.add(column.length)
  }
  if (columns.length === 0) return `run() returned an empty object: ${nothing}.`
  if (lengths.size > 1)
    return `run() returned columns of different lengths (${[...lengths].join(', ')}): each must have one element for each item.`
  const [length = 0] = lengths
  // Told before the rows are built: building them is what would eat the memory.
  if (length > most) return { length }
  return Array.from({ length }, (_, at) =>
    Object.fromEntries(columns.map(([name, column]) => [name, plain(column[at])])),
  )
}

const isNumbers = (value: unknown): value is ArrayLike<number | bigint> =>
  ArrayBuffer.isView(value) && !(value instanceof DataView)

/** JSON has no numbers of 64 bits. */
const plain = (value: unknown): unknown => {
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

type Text = { readonly row: string; readonly problem?: undefined } | { readonly problem: string }

const toText = (element: unknown, at: number): Text => {
  const value = plain(element)
  const name = `Element ${at} of what run() returned`
  if (value === null || value === undefined)
    return { problem: `${name} is ${value}: leave out items that failed, or return a value.` }
  if (typeof value === 'number' && !Number.isFinite(value))
    return { problem: `${name} is ${value}, which JSON does not have: return a text instead.` }
  try {
    const row = toJson(value)
    if (row !== undefined) return { row }
    return { problem: `${name} is a ${typeof value}, which cannot be a row.` }
  } catch (thrown) {
    if (thrown instanceof NoJson)
      return { problem: `${name} holds a ${thrown.message}, which JSON does not have: ${instead}.` }
    const words = thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : String(thrown)
    const circular = /circular/i.test(words)
    const why = circular ? 'refers to itself in a circle' : `cannot be written as JSON (${words})`
    return { problem: `${name} ${why}: return plain data.` }
  }
}

const instead = 'return a list or a plain object instead'

class NoJson extends Error {}

/** JSON makes an object of a typed array, and an empty one of a map: both begin so. */
const oddObjects = ['{"0":', '{}']

/** Typed arrays are lists, wherever they stand, and numbers of 64 bits are as they are alone. */
const toJson = (value: unknown): string | undefined => {
  let text: string | undefined
  try {
    text = JSON.stringify(value) as string | undefined
    const row = text
    if (row === undefined || !oddObjects.some((odd) => row.includes(odd))) return row
  } catch (thrown) {
    if (!(thrown instanceof TypeError) || !thrown.message.includes('BigInt')) throw thrown
  }
  return JSON.stringify(value, toPlain)
}

const toPlain = (_: string, value: unknown): unknown => {
  if (value instanceof Map || value instanceof Set)
    throw new NoJson(value instanceof Map ? 'Map' : 'Set')
  return isNumbers(value) ? Array.from(value, plain) : plain(value)
}

const keyOf = (element: unknown): string | null => {
  if (typeof element !== 'object' || element === null || !('key' in element)) return null
  const { key } = element
  return typeof key === 'string' || typeof key === 'number' ? String(key) : null
}
