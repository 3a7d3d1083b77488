import { unsureWhich } from '#protocol/model/rows.ts'
import type { ItemFailure } from '#protocol/model/rows.ts'
import type { MiniBatchOutcome } from '../mini-batch.ts'

export interface Aligning {
  readonly items: readonly number[]
  readonly names: readonly string[]
  /** JSON texts, in the order in which the script returned them. */
  readonly rows: readonly string[]
  /** `keys[i]` names the item of row i: its name, or its number in the job. */
  readonly keys: readonly (string | null)[] | null
  /** Why items could not be read, by place in the mini-batch. */
  readonly problems: ReadonlyMap<number, string>
}

/**
 * Says which row belongs to which item. By key where every row has one; else by place where the counts
 * match, with or without the items that could not be read; else in order, which is told with the failures.
 */
export const alignRows = (work: Aligning): MiniBatchOutcome => {
  const keyed = byKey(work)
  const places = keyed ?? byPlace(work)
  const rowsAt: string[][] = work.items.map(() => [])
  for (const [row, at] of places.entries()) rowsAt[at]?.push(work.rows[row] ?? '')
  const items: number[] = []
  const rows: string[] = []
  const failures: ItemFailure[] = []
  for (const [at, item] of work.items.entries()) {
    const here = rowsAt[at] ?? []
    for (const row of here) {
      items.push(item)
      rows.push(row)
    }
    if (here.length === 0) {
      const name = work.names[at] ?? ''
      failures.push({ item, name, message: work.problems.get(at) ?? noRow(work, name) })
    }
  }
  const isSure = keyed !== undefined || countsMatch(work)
  return { kind: 'succeeded', items, rows, failures, ...(isSure ? {} : { unsure: true }) }
}

const countsMatch = ({ items, rows, problems }: Aligning): boolean =>
  rows.length === items.length || rows.length === items.length - problems.size

const byKey = ({ items, names, rows, keys }: Aligning): readonly number[] | undefined => {
  if (keys === null || keys.length !== rows.length) return undefined
  const known = new Map<string, number>()
  for (const [at, item] of items.entries()) known.set(String(item), at)
  for (const [at, name] of names.entries()) known.set(name, at)
  const places = keys.map((key) => (key === null ? undefined : known.get(key)))
  return places.every((place) => place !== undefined) ? places : undefined
}

const byPlace = ({ items, rows, problems }: Aligning): readonly number[] => {
  const all = items.map((_, at) => at)
  const readable = all.filter((at) => !problems.has(at))
  const order = rows.length <= readable.length ? readable : all
  const last = order.at(-1) ?? 0
  return rows.map((_, row) => order[row] ?? last)
}

const noRow = ({ items, rows, keys }: Aligning, name: string): string =>
  keys === null && rows.length > 0
    ? `${name} may have failed: the script returned ${rows.length} elements for ${items.length} items without keys, ${unsureWhich}.`
    : `The script returned no row for ${name}.`
