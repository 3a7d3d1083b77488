import type { z } from 'zod'
import { musterError } from '#protocol/errors.ts'
import type { MusterError, TextPosition } from '#protocol/errors.ts'
import { jobFileSchema } from '#protocol/spec/job-file.ts'
import { fieldsAt } from '#protocol/spec/known-fields.ts'
import { suggest } from '#protocol/spec/suggest.ts'
import { unsupportedFields } from '#protocol/spec/unsupported.ts'
import type { Overridden } from './job-file-overrides.ts'
import type { FieldPath, ReadText } from './job-file-text.ts'

/** Where values of a job file came from. */
export interface Origin {
  readonly text: ReadText
  readonly overridden: Overridden
}

/** One thing that is wrong with a job file. */
export interface Fault {
  /** Unknown names come before wrong values, and what is missing last: it is often a misspelt name. */
  readonly rank: 0 | 1 | 2
  readonly path: FieldPath
  /** Without its full stop or question mark, the words that are added follow directly. */
  readonly message: string
  /** Lines that follow the sentence, such as a text to begin with. */
  readonly more?: string
}

/** `preprocess.width`, `inputs.digits.patterns[2]` */
export const nameOf = (path: FieldPath): string =>
  path
    .map((name, i) => (typeof name === 'number' ? `[${name}]` : i === 0 ? name : `.${name}`))
    .join('')
    // A key may be a whole block of text; a message stays one line.
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+ */gu, ' ')

/** A value that breaks a rule of its own. */
export const wrongValue = (path: FieldPath, value: unknown, allowed: string): Fault => ({
  rank: 1,
  path,
  message: `"${nameOf(path)}" is ${given(value)}, but must be ${allowed}`,
})

/** The error of the first fault in the order of the file; the others stand in its detail. */
export const faultError = (faults: readonly Fault[], origin: Origin): MusterError | undefined => {
  const places = faults.map((fault) => ({ fault, position: positionOf(fault, origin) }))
  places.sort(
    (a, b) =>
      a.fault.rank - b.fault.rank ||
      (a.position?.line ?? 0) - (b.position?.line ?? 0) ||
      (a.position?.column ?? 0) - (b.position?.column ?? 0),
  )
  const [first, ...others] = places
  if (first === undefined) return undefined
  const where = first.position === undefined ? ' (set on the command line)' : ''
  return musterError(
    'JobFileInvalid',
    inOwnWords(first.fault, origin).replace(/([?.]?)$/, (end) => where + (end === '' ? '.' : end)) +
      (first.fault.more === undefined ? '' : `\n\n${first.fault.more}`),
    {
      ...(first.position === undefined ? {} : { position: first.position }),
      ...(others.length === 0
        ? {}
        : { detail: others.map((o) => inOwnWords(o.fault, origin)).join('; ') }),
    },
  )
}

/** A message with the field's name as the file has it. */
const inOwnWords = ({ message, path }: Fault, { text }: Origin): string => {
  const own = text.nameAt?.(path)
  return own === undefined || own === ''
    ? message
    : message.replace(`"${nameOf(path)}"`, `"${own}"`)
}

const positionOf = (fault: Fault, { text, overridden }: Origin): TextPosition | undefined => {
  if (overridden.isOverridden(fault.path)) return undefined
  return fault.rank === 1 ? text.valueAt(fault.path) : text.keyAt(fault.path)
}

/** Turns what the schema found into sentences. */
export const schemaFaults = (
  error: z.ZodError,
  value: unknown,
  schema: z.ZodType = jobFileSchema,
): readonly Fault[] => error.issues.flatMap((issue) => issueFaults(issue, [], { value, schema }))

/** What was checked, and by what. */
interface Checked {
  readonly value: unknown
  readonly schema: z.ZodType
}

const issueFaults = (
  issue: z.core.$ZodIssue,
  parent: FieldPath,
  checked: Checked,
): readonly Fault[] => {
  const path = [...parent, ...issue.path.map(toName)]
  const here = valueAt(checked.value, path)
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownField(path, key, checked.schema))
  if (issue.code === 'invalid_union') {
    const inner = fittingChoice(issue.errors)
    if (inner !== undefined) return inner.flatMap((one) => issueFaults(one, path, checked))
  }
  if (issue.code === 'invalid_key')
    return [wrongValue(path, path.at(-1), innerMessage(issue.issues))]
  if (here === undefined)
    return [{ rank: 2, path, message: `"${nameOf(path)}" is missing: it must be ${issue.message}` }]
  return [wrongValue(path, here, issue.message)]
}

const toName = (name: PropertyKey): string | number =>
  typeof name === 'number' ? name : String(name)

const innerMessage = (issues: readonly z.core.$ZodIssue[]): string =>
  issues[0]?.message ?? 'another name'

/** The choice of a union that fits in kind, so that its inner faults are worth telling. */
const fittingChoice = (
  choices: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | undefined =>
  choices
    .filter((issues) =>
      issues.every((issue) => issue.path.length > 0 || issue.code === 'unrecognized_keys'),
    )
    .toSorted((a, b) => a.length - b.length)[0]

const unknownField = (parent: FieldPath, key: string, schema: z.ZodType): Fault => {
  const path = [...parent, key]
  const name = nameOf(path)
  const instead = parent.length === 0 ? unsupportedFields.get(key) : undefined
  if (instead !== undefined)
    return { rank: 0, path, message: `"${name}" cannot be used: ${instead}` }
  const there = fieldsAt(parent, schema)
  const known = there?.kind === 'fields' ? there.names : []
  if (known.includes(key)) {
    const message = `"${name}" does not go with the fields beside it: give one or the other`
    return { rank: 0, path, message }
  }
  const near = suggest(key, known).map((word) => `"${nameOf([...parent, word])}"`)
  const hint =
    near.length > 0
      ? `did you mean ${near.join(' or ')}?`
      : parent.length === 0
        ? 'the fields are listed in docs/job-file.md'
        : `the fields there are ${known.join(', ')}`
  return { rank: 0, path, message: `"${name}" is not a field of a job file: ${hint}` }
}

/** A value in a sentence, cut to a readable length. */
const given = (value: unknown): string => {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a map'
  const text = typeof value === 'number' ? `${value}` : (JSON.stringify(value) ?? 'nothing')
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`
}

const valueAt = (value: unknown, path: FieldPath): unknown => {
  let here: unknown = value
  for (const name of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, name)) return undefined
    here = (here as Readonly<Record<string | number, unknown>>)[name]
  }
  return here
}
