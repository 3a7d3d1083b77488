import type { MiniBatch, ScriptContext } from '../custom-script/muster.ts'
import { fitTrend } from './trend.ts'

// Many models: a mini-batch has all records of one store and one brand, and gets a trend of its own.

/** Fits the weeks before `--from`, and forecasts the others: a row for each record. */
export const run = async (miniBatch: MiniBatch, context: ScriptContext): Promise<object[]> => {
  const from = Number(context.arguments['from'])
  const { store, brand } = miniBatch.partition
  const names = await miniBatch.rowNames()
  const rows = await miniBatch.rows()
  const sales = rows.map((row) => ({
    week: Number(row['week']),
    quantity: Number(row['quantity']),
  }))
  const known = sales.filter(({ week }) => week < from)
  if (known.length === 0) throw new Error(`${store} sold no ${brand} before week ${from}`)
  const { base, slope } = fitTrend(known.map(({ week, quantity }) => [week, quantity]))
  context.logger.info(store, brand, 'sells', slope.toFixed(2), 'more a week')
  return sales.map(({ week, quantity }, at) => ({
    key: names[at],
    store,
    brand,
    week,
    quantity,
    forecast: week < from ? null : Math.round(base + slope * week),
  }))
}
