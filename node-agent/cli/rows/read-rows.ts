import type { QueryOf } from '#protocol/control/api.ts'
import type { RowView } from '#protocol/control/job-views.ts'
import { limits } from '#protocol/limits.ts'
import type { Cli } from '../cli.ts'

/** Rows in plan order, read a page at a time while somebody takes them. Can be gone through once. */
export interface Rows extends AsyncIterable<RowView> {
  /** Rows given so far, failed items among them. */
  readonly taken: () => number
  /** Failed items given so far. */
  readonly failures: () => number
  /** Rows that fit the query in the agent's store; known after the first row. */
  readonly total: () => number
  /** Cursor behind the last row given, as the API tells it; null if that was the last of all. */
  readonly next: () => string | null
}

/** At most `most` rows. */
export const readRows = (cli: Cli, query: QueryOf<'results'>, most: number): Rows => {
  let taken = 0
  let failures = 0
  let total = 0
  let next: string | null = null

  async function* read(): AsyncGenerator<RowView> {
    do {
      const page = await cli.call('results', {
        query: {
          ...query,
          limit: Math.min(limits.pageRows, most - taken),
          ...(next === null ? {} : { cursor: next }),
        },
      })
      total = page.total
      next = page.next
      for (const row of page.rows) {
        taken += 1
        if (row.failure !== '') failures += 1
        yield row
      }
    } while (next !== null && taken < most)
  }

  return {
    [Symbol.asyncIterator]: read,
    taken: () => taken,
    failures: () => failures,
    total: () => total,
    next: () => next,
  }
}
