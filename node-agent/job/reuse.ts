import type { JobSpec } from '#protocol/model/job.ts'
import type { Millis } from '#protocol/model/ids.ts'
import type { PlannedItem } from '#protocol/model/plan.ts'

/**
 * What may be taken over from an earlier job. The rule is that the rows are those that computing them anew
 * would give, as far as a pool of unlike machines gives equal rows at all.
 */

/**
 * What rows are computed from besides the content of the items, as text: jobs with equal text give equal
 * rows for equal items. All settings count but those that only say how fast, where or how patiently to
 * compute, how the output is written, who may see it, and what people call the job. `contents` names what
 * is in a whole input where that is known (the output of another step): then its place does not count.
 */
export const reuseText = (
  spec: JobSpec,
  version: string,
  contents: Readonly<Record<string, string>> = {},
): string => {
  const settings = Object.entries(spec).filter(([field]) => !indifferent.has(field))
  const inputs = spec.inputs.map((input) => {
    const content = contents[input.name]
    if (content === undefined) return input
    return { ...without(input, ['root', 'patterns', 'share']), content }
  })
  // Their files are named by their content.
  const sideInputs = spec.sideInputs.map(({ name, kind, files }) => ({ name, kind, files }))
  return canonical({
    rules: rulesVersion,
    version,
    ...Object.fromEntries(settings),
    inputs,
    sideInputs,
  })
}

/** Raised when the rules below change, so that nothing recorded under older ones is taken over. */
const rulesVersion = 1

/** Fields that no row depends on. */
const indifferent: ReadonlySet<string> = new Set([
  'name',
  'description',
  'tags',
  'inputs',
  'sideInputs',
  'errorThreshold',
  'miniBatchErrorThreshold',
  'allowedFailedPercent',
  'runLimitMs',
  'maxAttempts',
  'processesPerPeer',
  'peerCount',
  'pool',
  'priority',
  'weight',
  'outputFileName',
  'outputDelimiter',
  'outputHeader',
  'outputPlace',
  'visibility',
  'loggingLevel',
  'inPlace',
])

const without = (value: object, fields: readonly string[]): object =>
  Object.fromEntries(Object.entries(value).filter(([field]) => !fields.includes(field)))

/** JSON with sorted keys: equal values give equal text. */
export const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`
}

/**
 * A file written this shortly before it was looked at may have been written again without another time:
 * clocks of file systems are that coarse (FAT counts two seconds).
 */
export const racyMs: Millis = 2_000

/** Whether an item is surely what the earlier job read. `seenAt` is when the earlier plan looked at it. */
export const isUnchanged = (now: PlannedItem, earlier: PlannedItem, seenAt: Millis): boolean =>
  canonical({ ...now }) === canonical({ ...earlier }) && earlier.modifiedMs < seenAt - racyMs
