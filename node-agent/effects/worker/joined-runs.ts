import type { RunInput, RunOutcome, RunTable } from '#agent/ports/runtime.ts'
import type { Lease } from '#protocol/model/attempt.ts'
import { contentHashBytes } from '#protocol/model/content.ts'

/** Several mini-batches in one `run()`: their inputs together, and what it gave taken apart again. */

export interface Part {
  readonly lease: Lease
  readonly input: RunInput
}

type Succeeded = Extract<RunOutcome, { kind: 'succeeded' }>

/** What the parts hold together, in the order of their items. Undefined if they cannot be one run. */
export const joinInputs = (parts: readonly Part[]): RunInput | undefined => {
  const [first] = parts
  if (first === undefined) return undefined
  const { input, table, partition } = first.input
  const isAlike = parts.every(
    (part) =>
      part.input.input === input && (part.input.table === undefined) === (table === undefined),
  )
  if (!isAlike || partition !== undefined) return undefined
  const named = input === undefined ? {} : { input }
  const items = parts.flatMap((part) => part.input.items)
  return table === undefined
    ? { items, ...named }
    : { items, ...named, table: joinTables(table, parts) }
}

const joinTables = ({ format, delimiter }: RunTable, parts: readonly Part[]): RunTable => {
  const sources: RunTable['sources'][number][] = []
  const slices: RunTable['slices'][number][] = []
  for (const { input } of parts) {
    const before = sources.length
    for (const slice of input.table?.slices ?? [])
      slices.push({ ...slice, source: slice.source + before })
    for (const source of input.table?.sources ?? []) sources.push(source)
  }
  return { format, delimiter, sources, slices }
}

/**
 * What each part would have given by itself, in their order. The time is shared out by their items, one after
 * the other.
 */
export const splitOutcome = (outcome: Succeeded, parts: readonly Part[]): readonly Succeeded[] => {
  const all = parts.reduce((sum, { lease }) => sum + lease.items, 0)
  let [row, at, failure, place] = [0, 0, 0, 0]
  return parts.map(({ lease, input }) => {
    const end = lease.firstItem + lease.items
    const [firstRow, from, firstFailure] = [row, at, failure]
    for (let item = outcome.items[row]; item !== undefined && item < end;) {
      at = endOfLine(outcome.lines, at) + 1
      row += 1
      item = outcome.items[row]
    }
    while ((outcome.failures[failure]?.item ?? end) < end) failure += 1
    const firstPlace = place
    place += input.table?.slices.length ?? lease.items
    const contents = outcome.contents?.subarray(
      firstPlace * contentHashBytes,
      place * contentHashBytes,
    )
    return {
      kind: 'succeeded',
      items: outcome.items.slice(firstRow, row),
      lines: outcome.lines.subarray(from, Math.max(from, at - 1)),
      failures: outcome.failures.slice(firstFailure, failure),
      runMs: (outcome.runMs * lease.items) / Math.max(1, all),
      ...(contents === undefined ? {} : { contents }),
    }
  })
}

const newline = 10

const endOfLine = (lines: Uint8Array, from: number): number => {
  const end = lines.indexOf(newline, from)
  return end === -1 ? lines.length : end
}
