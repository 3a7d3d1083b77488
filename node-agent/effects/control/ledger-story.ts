import type { Views } from '#agent/ports/views.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import { halve, itemsWords, miniBatchName } from '#protocol/model/half.ts'
import type { MiniBatchIndex, PeerId } from '#protocol/model/ids.ts'
import { plural } from '#protocol/model/plural.ts'
import { pathOf } from '#protocol/model/plan-ranges.ts'

/**
 * A job's or a mini-batch's life as the ledger tells it, in sentences: for members that are not the head,
 * and for jobs that ended long ago.
 */
export const ledgerStory = async (
  views: Views,
  fold: JobFold,
  miniBatch: MiniBatchIndex | undefined,
  nameOf: (peer: PeerId) => string,
): Promise<readonly string[]> => {
  const { job } = fold
  const lines: string[] = []
  const charges = await views.charges(job.id)
  if (miniBatch === undefined) {
    lines.push(
      `${plural(fold.items, 'item')} in ${miniBatches(fold.miniBatches)} planned; ${fold.committed} committed, ${fold.failedMiniBatches} failed.`,
    )
    if (fold.halvings > 0)
      lines.push(`${miniBatches(fold.halvings)} killed a process and ran in halves.`)
    if (charges.length > 0)
      lines.push(
        `${plural(charges.length, 'charged attempt')}, the first because: ${charges[0]?.message}`,
      )
    for (const share of await views.shares(job.id))
      lines.push(
        `${nameOf(share.peer)} did ${plural(share.items, 'item')} in ${miniBatches(share.miniBatches)}.`,
      )
    return lines
  }
  const path = pathOf(await views.planChunks(job.id), miniBatch) ?? []
  const [planned, range] = [path[0], path.at(-1)]
  const name = miniBatchName(miniBatch)
  if (planned === undefined || range === undefined)
    return [`Mini-batch ${name} is not in the plan.`]
  const part = planned === range ? '' : ` and is part of mini-batch ${planned.miniBatch}`
  lines.push(`Mini-batch ${name} has ${itemsWords(range)}${part}.`)
  for (const charge of charges.filter((one) => one.miniBatch === miniBatch))
    lines.push(
      `Attempt ${charge.attempt} on ${nameOf(charge.peer)} was charged (${charge.cause}): ${charge.message}${charge.final ? ' It was the last one.' : ''}`,
    )
  if ((await views.halved(job.id)).includes(miniBatch)) {
    const halves = halve({ ...range, miniBatch })
    const words = halves.map((half) => `${miniBatchName(half.miniBatch)} has ${itemsWords(half)}`)
    return [...lines, `It was halved: ${words.join(', ')}.`]
  }
  const commit = (await views.commits(job.id)).find((one) => one.miniBatch === miniBatch)
  lines.push(
    commit === undefined
      ? `Mini-batch ${name} is not committed.`
      : `Attempt ${commit.attempt} on ${nameOf(commit.peer)} is committed: ${commit.succeeded} items succeeded, ${commit.failed} failed.`,
  )
  return lines
}

const miniBatches = (count: number): string => plural(count, 'mini-batch', 'mini-batches')
