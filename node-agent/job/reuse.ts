import type { JobSpec } from '#protocol/model/job.ts'
import type { ItemIndex, Millis, MiniBatchIndex } from '#protocol/model/ids.ts'
import type {
  Partition,
  PlanChunk,
  PlannedFile,
  PlannedItem,
  PlannedSlice,
} from '#protocol/model/plan.ts'

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
  const inputs = spec.inputs.map((written) => {
    // A download gives the same items; a script that opens files by itself may do anything with them.
    const input = written.mode === 'download' ? without(written, ['mode']) : written
    const content = contents[written.name]
    if (content === undefined) return input
    return { ...without(input, ['root', 'patterns', 'share']), content }
  })
  // Their files are named by their content; how tables are read counts too.
  const sideInputs = spec.sideInputs.map((side) => without(side, ['root', 'patterns', 'share']))
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

/** Fields that no row depends on, or that are compared in another way. */
export const indifferent: ReadonlySet<string> = new Set([
  'name',
  'description',
  'tags',
  'inputs',
  'sideInputs',
  'errorThreshold',
  'miniBatchErrorThreshold',
  'allowedFailedPercent',
  'runLimitMs',
  'loadLimitMs',
  'progressLimitMs',
  'firstPlanLimitMs',
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

/** A file that is an item, or some records of one. */
export type PlanEntry = PlannedItem | PlannedSlice

/** A mini-batch as a plan fixed it: where it stands, and what it holds. */
export interface MiniBatchContent {
  readonly miniBatch: MiniBatchIndex
  readonly firstItem: ItemIndex
  readonly items: number
  /** Equal texts: the same items in the same order, of files with the same names, sizes and times. */
  readonly text: string
  /** Equal texts: it stands where the one of another plan stands, whatever is in it now. */
  readonly place: string
  /** Its files, or its slices of files, in their order. */
  readonly entries: readonly PlanEntry[]
}

/**
 * What stands in each mini-batch of a plan chunk. Where the whole input's content is known by its hash, the
 * times of files say nothing and are left out.
 */
export const contentsOf = (chunk: PlanChunk, pinned: boolean): readonly MiniBatchContent[] => {
  const found: MiniBatchContent[] = []
  const entries = chunk.kind === 'files' ? chunk.items : chunk.slices
  let [at, miniBatch, firstItem] = [0, chunk.firstMiniBatch, chunk.firstItem]
  for (const { count, items } of chunk.runs) {
    for (let n = 0; n < count; n++) {
      const here: PlanEntry[] = []
      for (let held = 0; held < items && at < entries.length; at++) {
        const entry = entries[at]
        if (entry === undefined) break
        here.push(entry)
        held += recordsOf(entry)
      }
      const partition = chunk.partitions[miniBatch - chunk.firstMiniBatch] ?? null
      const text = contentText(here, partition, pinned)
      const place = placeOf(here, partition)
      found.push({ miniBatch, firstItem, items, text, place, entries: here })
      miniBatch += 1
      firstItem += items
    }
  }
  return found
}

/** What a mini-batch of these entries holds, as text. */
export const contentText = (
  entries: readonly PlanEntry[],
  partition: Partition | null,
  pinned: boolean,
): string => canonical([partition, entries.map((entry) => withoutTime(entry, pinned))])

/** Partitions are found by their values, others by what they begin with. */
const placeOf = (entries: readonly PlanEntry[], partition: Partition | null): string => {
  const [first] = entries
  if (first === undefined) return ''
  return partition === null ? entryKey(first) : `${fileOf(first).input} ${canonical(partition)}`
}

/** By what a file, or a slice that begins with the same record, is found in another plan. */
export const entryKey = (entry: PlanEntry): string =>
  'file' in entry ? `${fileKey(entry.file)}#${entry.firstRecord}` : fileKey(entry)

export const fileKey = ({ input, name }: PlannedFile): string => `${input}/${name}`

export const fileOf = (entry: PlanEntry): PlannedFile => ('file' in entry ? entry.file : entry)

const recordsOf = (entry: PlanEntry): number => ('records' in entry ? entry.records : 1)

const withoutTime = (entry: PlanEntry, pinned: boolean): unknown => {
  if (!pinned) return entry
  const time = { modifiedMs: 0 }
  return 'file' in entry ? { ...entry, file: { ...entry.file, ...time } } : { ...entry, ...time }
}

/**
 * Whether a time proves that a file is the same as one of that time. A file written too shortly before the
 * earlier plan looked at it proves nothing by its time.
 */
export const isOld = ({ modifiedMs }: PlannedFile, seenAt: Millis): boolean =>
  modifiedMs < seenAt - racyMs
