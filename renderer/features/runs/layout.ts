/** A step as far as its place matters. */
interface Wired {
  readonly name: string
  readonly needs: readonly string[]
}

export interface Placed<Step> {
  readonly step: Step
  /** Number of steps on the longest way to it. */
  readonly column: number
  readonly row: number
}

export interface Layout<Step> {
  readonly placed: readonly Placed<Step>[]
  readonly edges: readonly { readonly from: Placed<Step>; readonly to: Placed<Step> }[]
  readonly columns: number
  readonly rows: number
}

/**
 * Places steps so that each stands right of all it needs. Within a column they stand in the order of the
 * rows they come from, so that lines cross seldom. Steps that need each other, which no agent lets
 * through, stand in the first column.
 */
export const layoutSteps = <Step extends Wired>(steps: readonly Step[]): Layout<Step> => {
  const columnOf = columnsOf(steps)
  const columns = Math.max(0, ...columnOf.values()) + 1
  const byName = new Map<string, Placed<Step>>()
  let rows = 0
  for (let column = 0; column < columns; column += 1) {
    const here = steps.filter(({ name }) => columnOf.get(name) === column)
    const wish = new Map(here.map((step) => [step.name, meanRow(step, byName)]))
    const sorted = here.toSorted((a, b) => (wish.get(a.name) ?? 0) - (wish.get(b.name) ?? 0))
    for (const [row, step] of sorted.entries()) byName.set(step.name, { step, column, row })
    rows = Math.max(rows, here.length)
  }
  const placed = steps.flatMap(({ name }) => byName.get(name) ?? [])
  const edges = placed.flatMap((to) =>
    to.step.needs.flatMap((name) => {
      const from = byName.get(name)
      return from === undefined ? [] : [{ from, to }]
    }),
  )
  return { placed, edges, columns, rows }
}

const columnsOf = (steps: readonly Wired[]): ReadonlyMap<string, number> => {
  const needsOf = new Map(steps.map(({ name, needs }) => [name, needs]))
  const columnOf = new Map<string, number>()
  // As many rounds as the longest chain can have.
  for (let round = 0; round < steps.length; round += 1) {
    let isChanged = false
    for (const { name } of steps) {
      const before = (needsOf.get(name) ?? []).filter((need) => needsOf.has(need))
      const column = before.reduce((most, need) => Math.max(most, (columnOf.get(need) ?? 0) + 1), 0)
      if (columnOf.get(name) === column) continue
      columnOf.set(name, column)
      isChanged = true
    }
    if (!isChanged) return columnOf
  }
  const first = new Map(steps.map(({ name }) => [name, 0]))
  return steps.length === 0 || isSettled(columnOf, needsOf) ? columnOf : first
}

const isSettled = (
  columnOf: ReadonlyMap<string, number>,
  needsOf: ReadonlyMap<string, readonly string[]>,
): boolean =>
  [...needsOf].every(([name, needs]) =>
    needs.every(
      (need) => !needsOf.has(need) || (columnOf.get(need) ?? 0) < (columnOf.get(name) ?? 0),
    ),
  )

const meanRow = <Step extends Wired>(
  step: Step,
  byName: ReadonlyMap<string, Placed<Step>>,
): number => {
  const rows = step.needs.flatMap((name) => byName.get(name)?.row ?? [])
  return rows.length === 0 ? 0 : rows.reduce((sum, row) => sum + row, 0) / rows.length
}
