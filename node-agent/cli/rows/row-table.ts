import { groupDigits } from '#protocol/control/progress-line.ts'
import type { RowView } from '#protocol/control/job-views.ts'
import type { Screen } from '../screen.ts'
import { printTable } from '../table.ts'
import type { Rows } from './read-rows.ts'
import { cellOf, valueColumns } from './row-text.ts'

/**
 * A table of all given rows, and a note if there are more.
 * @param whyNone a sentence for when there is no row
 */
export const printRowTable = async (
  screen: Screen,
  rows: Rows,
  whyNone: () => Promise<string>,
): Promise<void> => {
  const all = await Array.fromAsync(rows)
  if (all.length === 0) {
    await screen.line(await whyNone())
    return
  }
  const names = new Set<string>()
  for (const row of all) for (const name of valueColumns(row)) names.add(name)
  // Declared jobs repeat the item's name in the row, for their files; here it stands in front already.
  const repeats = all.every((row) => row.failure !== '' || valueOf(row, 'item') === row.name)
  if (repeats) names.delete('item')
  const values = [...names].map((name) => ({
    title: name,
    text: (row: RowView) => cellOf(row, name),
    right: all.every((row) => row.failure !== '' || typeof valueOf(row, name) === 'number'),
  }))
  const failed = all.some((row) => row.failure !== '')
  await printTable(
    screen,
    [
      { title: 'ITEM', text: (row) => row.name },
      ...values,
      { title: 'MACHINE', text: (row) => row.peerName },
      { title: 'ATTEMPT', text: (row) => String(row.attempt), right: true },
      ...(failed ? [{ title: 'FAILURE', text: (row: RowView) => row.failure }] : []),
    ],
    all,
  )
  const more = rows.total() - all.length
  if (more > 0)
    screen.note(`${groupDigits(more)} more; --head N shows more of them, --output FILE writes all.`)
}

const valueOf = (row: RowView, name: string): unknown =>
  name === 'value' ? row.value : (row.value as Record<string, unknown> | null)?.[name]
