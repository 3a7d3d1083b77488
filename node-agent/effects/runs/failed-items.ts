import type { Views } from '#agent/ports/views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { ItemIndex } from '#protocol/model/ids.ts'
import { pathOf } from '#protocol/model/plan-ranges.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { unsureWhich } from '#protocol/model/rows.ts'

/** What failed in a job. */
export interface FailedItems {
  /** Positions in its plan, ascending. */
  readonly items: readonly ItemIndex[]
  /** Mini-batches taken whole, since it is not known which of their items failed. */
  readonly wholeMiniBatches: number
}

/**
 * Items that failed one by one, all items of mini-batches that failed for good, and all of those whose rows
 * carried no key and were too few: nobody knows to which item such a row belongs.
 */
export const failedItems = async (
  views: Views,
  { job, ...fold }: JobFold,
): Promise<Result<FailedItems, MusterError>> => {
  if (fold.rowsHere < fold.rows) return err(rowsElsewhere(job.spec.name))
  const chunks = await views.planChunks(job.id)
  const failed = new Set<ItemIndex>()
  const whole = new Set<number>()
  // What a script says of a partition it says of all of it.
  const isPartition =
    job.spec.partitionKeys.length > 0 && job.spec.inputs.some(({ kind }) => kind === 'table')
  const addWhole = (miniBatch: number): void => {
    const path = pathOf(chunks, miniBatch) ?? []
    const range = isPartition ? path[0] : path.at(-1)
    for (let at = 0; at < (range?.items ?? 0); at++) failed.add((range?.firstItem ?? 0) + at)
  }
  let after: string | undefined
  do {
    const page = await views.rows({
      job: job.id,
      limit: limits.pageRows,
      only: 'failures',
      ...(after === undefined ? {} : { after }),
    })
    for (const { item, miniBatch, failure } of page.rows) {
      failed.add(item)
      if (isPartition || failure.includes(unsureWhich)) whole.add(miniBatch)
    }
    after = page.next ?? undefined
  } while (after !== undefined)
  for (const miniBatch of whole) addWhole(miniBatch)
  const committed = new Set((await views.commits(job.id)).map(({ miniBatch }) => miniBatch))
  for (const { miniBatch, final } of await views.charges(job.id))
    if (final && !committed.has(miniBatch)) addWhole(miniBatch)
  if (failed.size === 0) return err(nothingFailed(job.spec.name))
  const items = [...failed].toSorted((a, b) => a - b)
  return ok({ items, wholeMiniBatches: whole.size })
}

const nothingFailed = (name: string): MusterError =>
  musterError('RequestInvalid', `No item of job ${name} failed, so there is nothing to try again.`)

const rowsElsewhere = (name: string): MusterError =>
  musterError(
    'RequestInvalid',
    `The rows of job ${name} are not all on this machine, so it is not known here which items failed; wait until they are.`,
  )
