import type { FailureGroup } from '#agent/ports/views.ts'
import { limits } from '#protocol/limits.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import { miniBatchName } from '#protocol/model/half.ts'
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
  return `${cut(group.message)} (First: ${what}mini-batch ${miniBatchName(miniBatch)}${where}.)`
}

/** Whether a headline says the cause of a group already, wherever it was met. */
export const tellsCause = (headline: string, { message }: FailureGroup): boolean =>
  headline.includes(cut(message))

/**
 * Where what was printed there can be read, for jobs whose scripts print; empty where nothing failed.
 * @param group undefined: none is known, as where `init()` threw
 */
export const leadToLogs = (
  { job }: JobFold,
  group: FailureGroup | undefined,
  nameOf: (peer: PeerId) => string,
): readonly string[] => {
  const { id, spec } = job
  const leads: string[] = []
  if (group !== undefined && group.first.attempt > 0)
    leads.push(
      `That mini-batch: muster job explain ${id} --mini-batch ${miniBatchName(group.first.miniBatch)}`,
    )
  if (spec.runtime === 'node')
    leads.push(
      group === undefined
        ? `What its processes printed: muster job logs ${id}`
        : `What its processes printed there: muster job logs ${id} --peer ${asWord(nameOf(group.first.peer))} --tail 50`,
    )
  return leads
}

/** A name as one word of a command. */
const asWord = (name: string): string =>
  /^[\p{L}\p{N}._-]+$/u.test(name) ? name : JSON.stringify(name)

/** A sentence is bounded, and the verdict says something in front of it. */
const roomForPlace = 1_024

const cut = (message: string): string => message.slice(0, limits.sentenceLength - roomForPlace)

const short = (item: string): string => (item.length <= 256 ? item : `…${item.slice(-255)}`)
