import type { PlanReader } from '#agent/ports/plan.ts'
import type { FailureGroup, Views } from '#agent/ports/views.ts'
import type { JobId } from '#protocol/model/ids.ts'
import { rangeOf } from '#protocol/model/plan-ranges.ts'

export interface FailedItemDeps {
  readonly views: Pick<Views, 'planChunks'>
  readonly planReader: Pick<PlanReader, 'items'>
}

/** A mini-batch of one item that failed whole is that item: a half that killed its process. */
export const withItem = async (
  deps: FailedItemDeps,
  job: JobId,
  group: FailureGroup,
): Promise<FailureGroup> => {
  const { first } = group
  if (first.item !== '') return group
  return { ...group, first: { ...first, item: await itemName(deps, job, first.miniBatch) } }
}

/** Only the data's peer has the names of a plan: empty elsewhere, and for several items. */
const itemName = async (
  { views, planReader }: FailedItemDeps,
  job: JobId,
  miniBatch: number,
): Promise<string> => {
  const range = rangeOf(await views.planChunks(job), miniBatch)
  if (range?.items !== 1) return ''
  const found = await planReader.items(job, range.firstItem, 1)
  return found.ok ? (found.value[0]?.name ?? '') : ''
}
