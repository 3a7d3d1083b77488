import type { Job, JobSpec, ReuseRefusal } from '#protocol/model/job.ts'
import { specToFile } from '#protocol/spec/spec-to-file.ts'
import type { ReuseCounts } from './reuse-count.ts'
import { canonical, indifferent } from './reuse.ts'

/** Sentences that say why rows of an earlier job were taken over or why not. */

export const refusalSentence = (why: ReuseRefusal | undefined): string => {
  switch (why) {
    case 'regenerate':
      return 'Nothing was taken over: everything was to be computed anew.'
    case 'elsewhere':
      return 'Nothing was taken over: the data is on another machine than the one that submitted the job.'
    default:
      return 'Nothing was taken over: `allow_reuse` is off.'
  }
}

export const firstOfItsKind =
  'Nothing was taken over: no earlier job of this name is known on this machine.'

/** Of an earlier job that was computed from other things. */
export const otherSentence = (job: Job, earlier: Job): string => {
  const differences = differencesOf(job, earlier)
  const told = differences.slice(0, toldDifferences)
  if (differences.length > told.length)
    told.push(`${differences.length - told.length} more settings differ`)
  return `Nothing was taken over: since job ${earlier.id}, ${listOf(told)}.`
}

/** Of an earlier job that has no rows to give. `why` begins behind the job's name. */
export const noDonorSentence = (earlier: Job, why: string): string =>
  `Nothing was taken over: job ${earlier.id}, which was computed from the same things, ${why}.`

const toldDifferences = 4

const differencesOf = (job: Job, earlier: Job): readonly string[] => {
  const [now, before] = [job.spec, earlier.spec]
  const found = [
    ...versionDifference(job, earlier),
    ...modelDifference(now, before),
    ...scriptDifference(now, before),
    ...argumentDifferences(now, before),
    ...inputDifferences(job, earlier),
    ...fieldDifferences(now, before),
  ]
  return found.length > 0 ? found : ['its settings changed']
}

const versionDifference = ({ reuse: now }: Job, { reuse: before }: Job): readonly string[] =>
  now?.version === undefined || before?.version === undefined || now.version === before.version
    ? []
    : [`Muster was updated from ${before.version} to ${now.version}`]

const modelDifference = (
  { model: now }: JobSpec,
  { model: before }: JobSpec,
): readonly string[] => {
  if (canonical(now) === canonical(before)) return []
  if (now === undefined) return ['it has no model any more']
  const name = `${now.name}:${now.version}`
  return before === undefined
    ? [`the model is now ${name}`]
    : [`the model is now ${name}, it was ${before.name}:${before.version}`]
}

const scriptDifference = (now: JobSpec, before: JobSpec): readonly string[] => {
  if (now.runtime !== 'node' || before.runtime !== 'node') return []
  const [mine, theirs] = [now.script, before.script]
  if (mine.entry !== theirs.entry)
    return [`the script is now ${mine.entry}, it was ${theirs.entry}`]
  if (canonical(mine.files[0]) !== canonical(theirs.files[0])) return [`${mine.entry} changed`]
  return canonical(mine.files) === canonical(theirs.files)
    ? []
    : [`files beside ${mine.entry} changed`]
}

/** By their flags where they are written as flags with values. */
const argumentDifferences = (now: JobSpec, before: JobSpec): readonly string[] => {
  if (now.runtime !== 'node' || before.runtime !== 'node') return []
  if (canonical(now.arguments) === canonical(before.arguments)) return []
  const [mine, theirs] = [flagsOf(now.arguments), flagsOf(before.arguments)]
  if (mine === undefined || theirs === undefined) return ['its arguments changed']
  const flags = new Set([...mine.keys(), ...theirs.keys()])
  const found = [...flags].flatMap((flag) =>
    changeOf(`argument ${flag}`, mine.get(flag), theirs.get(flag)),
  )
  return found.length > 0 ? found : ['its arguments stand in another order']
}

/** Undefined if there is something before the first flag, or a flag stands twice. */
const flagsOf = (given: readonly string[]): ReadonlyMap<string, string> | undefined => {
  const flags = new Map<string, string[]>()
  let values: string[] | undefined
  for (const word of given) {
    const isFlag = /^--?[a-z]/i.test(word)
    if ((isFlag && flags.has(word)) || (!isFlag && values === undefined)) return undefined
    if (isFlag) flags.set(word, (values = []))
    else values?.push(word)
  }
  return new Map([...flags].map(([flag, list]) => [flag, list.join(' ')]))
}

const changeOf = (
  what: string,
  now: string | undefined,
  before: string | undefined,
): readonly string[] => {
  if (now === before) return []
  if (before === undefined) return [`${what} is new`]
  if (now === undefined) return [`${what} is gone`]
  return now.length + before.length <= shownLength && now !== '' && before !== ''
    ? [`${what} changed from ${before} to ${now}`]
    : [`${what} changed`]
}

/** Values are told where both are this short together. */
const shownLength = 80

const inputDifferences = (job: Job, earlier: Job): readonly string[] => {
  const found: string[] = []
  const before = new Map(earlier.spec.inputs.map((input) => [input.name, input]))
  for (const input of job.spec.inputs) {
    const other = before.get(input.name)
    const [content, then] = [job.reuse?.contents, earlier.reuse?.contents].map(
      (all) => all?.[input.name],
    )
    if (other === undefined) found.push(`input "${input.name}" is new`)
    else if (content !== undefined) {
      if (content !== then) found.push(`what is in input "${input.name}" changed`)
    } else if (input.root !== other.root) found.push(`input "${input.name}" is now ${input.root}`)
    else if (canonical(input) !== canonical(other))
      found.push(`input "${input.name}" is chosen or read in another way`)
  }
  if (earlier.spec.inputs.length > job.spec.inputs.length) found.push('an input is gone')
  found.push(...sideInputDifferences(job.spec, earlier.spec))
  return found
}

/** Their files are named by their content; where they lie does not count. */
const sideInputDifferences = (now: JobSpec, before: JobSpec): readonly string[] => {
  const textsOf = ({ sideInputs }: JobSpec): ReadonlyMap<string, string> =>
    new Map(sideInputs.map(({ name, kind, files }) => [name, canonical([kind, files])]))
  const [mine, theirs] = [textsOf(now), textsOf(before)]
  return [...new Set([...mine.keys(), ...theirs.keys()])]
    .filter((name) => mine.get(name) !== theirs.get(name))
    .map((name) => `side input "${name}" changed`)
}

/** What was compared above, in words of its own. */
const told: ReadonlySet<string> = new Set(['model', 'script', 'arguments'])

const fieldDifferences = (now: JobSpec, before: JobSpec): readonly string[] => {
  const [mine, theirs] = [new Map(Object.entries(now)), new Map(Object.entries(before))]
  const [file, earlierFile] = [specToFile(now), specToFile(before)]
  return [...new Set([...mine.keys(), ...theirs.keys()])]
    .filter((field) => !indifferent.has(field) && !told.has(field))
    .filter((field) => canonical(mine.get(field)) !== canonical(theirs.get(field)))
    .flatMap((field) => {
      const name =
        fileNames[field] ?? field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
      return changeOf(`\`${name}\``, textOf(file[name]), textOf(earlierFile[name]))
    })
}

const fileNames: Readonly<Record<string, string>> = { environment: 'environment_variables' }

const textOf = (value: unknown): string | undefined =>
  value === undefined ? undefined : typeof value === 'string' ? value : canonical(value)

/** What was taken over from `from`, and why the rest was not. */
export const takenSentence = (from: string, counts: ReuseCounts, isWhole: boolean): string => {
  const { miniBatches, taken } = counts
  const why = isWhole ? whyNot(counts) : ['files changed meanwhile']
  if (taken === miniBatches && counts.gone === 0 && counts.touched === 0)
    return `${taken === 1 ? 'The mini-batch was' : `All ${taken} mini-batches were`} taken over from job ${from}: same script, model, settings and files.`
  const rest = why.length === 0 ? 'the rest stands in other mini-batches now' : listOf(why)
  return taken === 0
    ? `Nothing was taken over from job ${from}: ${rest}.`
    : `${taken} of ${miniBatches} mini-batches were taken over from job ${from}; ${rest}.`
}

const whyNot = (counts: ReuseCounts): readonly string[] => {
  const { changed, added, gone, unsure, unread, uncompared, unfinished, touched } = counts
  return [
    ...(changed === 0 ? [] : [`${files(changed)} changed`]),
    ...(added === 0 ? [] : [`${files(added)} came`]),
    ...(gone === 0 ? [] : [`${files(gone)} went`]),
    ...(unsure === 0
      ? []
      : [
          `${files(unsure)} had been written too shortly before it to be sure of ${unsure === 1 ? 'it' : 'them'}`,
        ]),
    ...(unread === 0
      ? []
      : [
          `${files(unread)} ${unread === 1 ? 'has' : 'have'} another time, and what was in ${unread === 1 ? 'it' : 'them'} is not known`,
        ]),
    ...(uncompared === 0
      ? []
      : [
          `${files(uncompared)} that may be the same ${uncompared === 1 ? 'was' : 'were'} not compared, since that was too much to read`,
        ]),
    ...(unfinished === 0
      ? []
      : [
          `${unfinished === 1 ? '1 mini-batch was' : `${unfinished} mini-batches were`} not finished there without a failed item`,
        ]),
    ...(touched === 0
      ? []
      : [
          `${files(touched)} with another time ${touched === 1 ? 'holds' : 'hold'} the same as before`,
        ]),
  ]
}

const files = (count: number): string => (count === 1 ? '1 file' : `${count} files`)

const listOf = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`
