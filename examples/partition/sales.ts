// A year of sales of three stores and three brands as CSV tables, one for each half of the year.
//
//   node tools/pinned-node.mjs examples/partition/sales.ts --folder examples/partition/sales
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

export interface Sale {
  readonly store: string
  readonly brand: string
  /** From 1 to 52. */
  readonly week: number
  /** Cartons sold in that week. */
  readonly quantity: number
}

export const stores = ['harbour', 'market', 'station'] as const
export const brands = ['dawn', 'grove', 'sunny'] as const
const weeks = 52

/** The numbers are made up and fixed: every store sells each brand along a line of its own, give or take. */
export const readSales = (): readonly Sale[] =>
  Array.from({ length: weeks }, (_, at) => at + 1).flatMap((week) =>
    stores.flatMap((store, s) =>
      brands.map((brand, b) => {
        const line = 200 + 40 * s + 25 * b + (3 * (s - b) + 1) * week
        const chance = ((week * 7 + s * 5 + b * 3) % 11) - 5
        return { store, brand, week, quantity: line + chance }
      }),
    ),
  )

/** Writes both tables, a line for each week, store and brand, and answers their names. */
export const writeSales = async (folder: string): Promise<readonly string[]> => {
  await mkdir(folder, { recursive: true })
  const sales = readSales()
  const halves = [
    { name: 'sales-1.csv', of: sales.filter(({ week }) => week <= weeks / 2) },
    { name: 'sales-2.csv', of: sales.filter(({ week }) => week > weeks / 2) },
  ]
  for (const { name, of } of halves) {
    const lines = of.map((sale) => [sale.store, sale.brand, sale.week, sale.quantity].join(','))
    await writeFile(join(folder, name), `${['store,brand,week,quantity', ...lines].join('\n')}\n`)
  }
  return halves.map(({ name }) => name)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { folder: { type: 'string' } } })
  const folder = values.folder ?? fileURLToPath(new URL('sales', import.meta.url))
  const names = await writeSales(folder)
  console.log(`wrote ${names.join(', ')} to ${folder}`)
}
