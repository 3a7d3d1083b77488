import type { FailureGroup } from '#agent/ports/views.ts'
import { limits } from '#protocol/limits.ts'
import type { PeerId } from '#protocol/model/ids.ts'

/** The cause of a group of failures and where it was met first, in one sentence; empty without a group. */
export const firstFailure = (
  group: FailureGroup | undefined,
  nameOf: (peer: PeerId) => string,
): string => {
  if (group === undefined) return ''
  const { item, miniBatch, attempt, peer } = group.first
  const what = item === '' ? '' : `${short(item)} in `
  const where = attempt === 0 ? '' : `, attempt ${attempt} on ${nameOf(peer)}`
  const message = group.message.slice(0, limits.sentenceLength - roomForPlace)
  return `${message} (First: ${what}mini-batch ${miniBatch}${where}.)`
}

/** A sentence is bounded, and the verdict says something in front of it. */
const roomForPlace = 1_024

const short = (item: string): string => (item.length <= 256 ? item : `…${item.slice(-255)}`)
