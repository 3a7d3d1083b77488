import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { ParameterValue } from '#protocol/model/pipeline.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { cutReferences, referenceForms } from '#protocol/spec/references.ts'
import type { TextPart } from '#protocol/spec/references.ts'
import { suggest } from '#protocol/spec/suggest.ts'
import { nameOf } from './job-file-errors.ts'
import type { Fault } from './job-file-errors.ts'
import type { FieldPath } from './job-file-text.ts'

type Fields = Readonly<Record<string, unknown>>

/** Parameters of a file with the values of one run, and what stands for each in the file. */
export interface Parameters {
  readonly values: Readonly<Record<string, ParameterValue>>
  /** An input stands as it is written in the file, a map too. */
  readonly stands: ReadonlyMap<string, unknown>
}

/** What a file says about its parameters: `inputs` only where they belong to the whole file. */
export interface Declared {
  readonly parameters: Fields
  readonly inputs: Fields
}

/** Values of a run: what was given, else the defaults. An input may be given another path. */
export const resolveParameters = (
  declared: Declared,
  given: Readonly<Record<string, ParameterValue>>,
): Result<Parameters, MusterError> => {
  const { parameters, inputs } = declared
  const known = [...Object.keys(parameters), ...Object.keys(inputs)]
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown !== undefined) return err(unknownParameter(unknown, known))
  const values: Record<string, ParameterValue> = {}
  const stands = new Map<string, unknown>()
  for (const [name, definition] of Object.entries(parameters)) {
    const value = valueOf(definition, given[name])
    if (value === undefined) return err(missing(name))
    values[name] = value
    stands.set(name, value)
  }
  for (const [name, input] of Object.entries(inputs)) {
    const path = given[name]
    const stand = path === undefined ? input : withPath(input, String(path))
    stands.set(name, stand)
    values[name] = pathOf(stand)
  }
  return ok({ values, stands })
}

/** A number written as text is that number where the default is one. */
const valueOf = (
  definition: unknown,
  given: ParameterValue | undefined,
): ParameterValue | undefined => {
  const fallback = isMap(definition) ? definition['default'] : definition
  const value = given ?? fallback
  if (typeof value !== 'string') return isValue(value) ? value : undefined
  if (typeof fallback === 'number' && value.trim() !== '' && Number.isFinite(Number(value)))
    return Number(value)
  return typeof fallback === 'boolean' && /^(true|false)$/.test(value) ? value === 'true' : value
}

const isValue = (value: unknown): value is ParameterValue =>
  ['string', 'number', 'boolean'].includes(typeof value)

const isMap = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const withPath = (input: unknown, path: string): unknown =>
  isMap(input) ? { ...input, path } : path

const pathOf = (input: unknown): string => {
  const path = isMap(input) ? input['path'] : input
  return typeof path === 'string' ? path : ''
}

const listOf = (known: readonly string[]): string =>
  known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`

const unknownParameter = (name: string, known: readonly string[]): MusterError => {
  const near = suggest(name, known).map((one) => `"${one}"`)
  const hint = near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`
  return musterError(
    'JobFileInvalid',
    `The file has no parameter "${name}": ${listOf(known)}.${hint}`,
  )
}

const missing = (name: string): MusterError =>
  musterError(
    'JobFileInvalid',
    `The parameter "${name}" has no default and was not given: add \`--param ${name}=VALUE\`.`,
  )

/** Fields that are names: no reference may stand there. */
const names = new Set(['name', 'output_name', '$schema'])
/** Maps whose keys are people's own: one of them may be called `name`. */
const ownKeys = new Set(['tags', 'environment_variables', 'inputs', 'side_inputs', 'models'])

const isName = (path: FieldPath): boolean =>
  names.has(String(path.at(-1))) && !ownKeys.has(String(path.at(-2)))

/**
 * The value with every reference to a parameter filled in. References to outputs stay: they are filled when
 * the step has run.
 */
export const fillParameters = (
  value: unknown,
  parameters: Parameters,
): { readonly value: unknown; readonly faults: readonly Fault[] } => {
  const faults: Fault[] = []
  const fill = (here: unknown, path: FieldPath): unknown => {
    if (typeof here === 'string') return fillText(here, path)
    if (Array.isArray(here)) return here.map((one, i) => fill(one, [...path, i]))
    if (!isMap(here)) return here
    return Object.fromEntries(
      Object.entries(here).map(([name, below]) => [name, fill(below, [...path, name])]),
    )
  }
  const fillText = (text: string, path: FieldPath): unknown => {
    const parts = cutReferences(text)
    if (parts.every((part) => typeof part === 'string')) return text
    const fault = faultOf(parts, path, parameters)
    if (fault !== undefined) {
      faults.push(fault)
      return text
    }
    const filled = parts.map((part) => standOf(part, parameters))
    // Alone, a parameter keeps its kind: a number stays one, an input stays a map.
    return filled.length === 1 ? filled[0] : filled.map((one) => String(one)).join('')
  }
  return { value: fill(value, []), faults }
}

const standOf = (part: TextPart, { stands }: Parameters): unknown => {
  if (typeof part === 'string') return part
  return part.reference?.kind === 'parameter' ? stands.get(part.reference.name) : part.written
}

const faultOf = (
  parts: readonly TextPart[],
  path: FieldPath,
  { stands }: Parameters,
): Fault | undefined => {
  const at = `"${nameOf(path)}"`
  const fault = (message: string): Fault => ({ rank: 1, path, message })
  for (const part of parts) {
    if (typeof part === 'string') continue
    const { written, reference } = part
    if (reference === undefined)
      return fault(`${at} holds ${written}, which is no reference: write ${referenceForms}`)
    if (isName(path))
      return fault(`${at} holds ${written}, but a name cannot be a parameter: write it out`)
    if (reference.kind === 'output' && parts.length > 1)
      return fault(`${at} holds ${written} and more: an output must stand alone`)
    if (reference.kind === 'parameter' && !stands.has(reference.name))
      return fault(
        `${at} refers to the parameter "${reference.name}", which the file does not have: ${listOf([...stands.keys()])}`,
      )
    if (reference.kind === 'parameter' && parts.length > 1 && isMap(stands.get(reference.name)))
      return fault(`${at} holds ${written} and more: an input with its own fields must stand alone`)
  }
  return undefined
}
