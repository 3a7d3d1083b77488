import { z } from 'zod'
import type { StepFile } from '#agent/ports/job-file.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobDraft } from '#protocol/model/job.ts'
import type { JobInput } from '#protocol/model/input.ts'
import type { StepWire } from '#protocol/model/pipeline.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { jobDefaults } from '#protocol/spec/job-file.ts'
import { defaultOutputName, runFields, stepSchema } from '#protocol/spec/pipeline-file.ts'
import { cutReferences } from '#protocol/spec/references.ts'
import type { Reference } from '#protocol/spec/references.ts'
import { findCycle } from '#agent/job/cut/cycle.ts'
import { readJobFields, refuse } from './job-fields.ts'
import { nameOf, schemaFaults } from './job-file-errors.ts'
import type { Fault, Origin } from './job-file-errors.ts'
import type { FieldPath } from './job-file-text.ts'
import type { StepPlace } from './step-fields.ts'

type Fields = Readonly<Record<string, unknown>>
type OutputReference = Extract<Reference, { readonly kind: 'output' }>

/** A wire as the file names it: perhaps with the name of the output. */
export type NamedWire = StepWire & { readonly output?: string }

export interface StepReading {
  readonly place: StepPlace
  readonly file: string
  readonly origin: Origin
  readonly outputs: ReadonlyMap<string, OutputFields>
  /** What holds for steps that do not say. */
  readonly allowReuse: boolean
}

/** One step, all parameters filled in. */
export const readStep = (
  fields: Fields,
  { place, file, origin, outputs, allowReuse }: StepReading,
): Result<StepFile & { readonly wires: readonly NamedWire[] }, MusterError> => {
  const own = ownSchema.safeParse(fields)
  if (!own.success) return refuse(schemaFaults(own.error, fields, stepSchema), origin)
  const misplaced = runFields.find((name) => Object.hasOwn(fields, name))
  if (misplaced !== undefined) return refuse([belongsToRun(misplaced)], origin)
  const { after = [], output_name: output = defaultOutputName, ...others } = fields
  const taken = takeWires(others, outputs)
  if (taken.faults.length > 0) return refuse(taken.faults, origin)
  const job = readJobFields({ ...taken.fields, name: place.name }, file, origin)
  if (!job.ok) return job
  return ok({
    name: place.name,
    job: { ...job.value, spec: withoutPlace(job.value.spec, taken.wires) },
    wires: taken.wires,
    after: own.data.after ?? (after as readonly string[]),
    output: String(output),
    allowReuse: own.data.allow_reuse ?? allowReuse,
  })
}

/** What a step has beside the fields of a job. */
const ownSchema = z.object({
  after: stepSchema.shape.after,
  output_name: stepSchema.shape.output_name,
  allow_reuse: stepSchema.shape.allow_reuse,
})

const belongsToRun = (name: string): Fault => ({
  rank: 0,
  path: [name],
  message: `"${name}" belongs to the whole run: write it at the top of the file`,
})

/** Takes the references to outputs out of the inputs and side inputs; anywhere else they are wrong. */
const takeWires = (
  fields: Fields,
  outputs: ReadonlyMap<string, OutputFields>,
): {
  readonly fields: Fields
  readonly wires: readonly NamedWire[]
  readonly faults: readonly Fault[]
} => {
  const wires: NamedWire[] = []
  const faults: Fault[] = []
  const take = (written: unknown, side: { readonly side?: true }): Fields =>
    Object.fromEntries(
      Object.entries(asMap(written)).map(([input, one]) => {
        const reference = outputReference(asMap(one)['path'] ?? one)
        if (reference === undefined) return [input, one] as const
        wires.push({ input, step: reference.step, ...side, ...outputOf(reference) })
        return [input, standIn(asMap(one), outputs.get(reference.step))] as const
      }),
    )
  const inputs = take(fields['inputs'], {})
  const sides = take(fields['side_inputs'], { side: true })
  const whole = {
    ...fields,
    ...(wires.some(({ side }) => side === undefined) ? { inputs } : {}),
    ...(wires.some(({ side }) => side === true) ? { side_inputs: sides } : {}),
  }
  const look = (here: unknown, path: FieldPath): void => {
    if (outputReference(here) !== undefined) faults.push(notAnInput(path, String(here)))
    else if (typeof here === 'object' && here !== null)
      for (const [name, below] of Object.entries(here)) look(below, [...path, name])
  }
  look(whole, [])
  return { fields: whole, wires, faults }
}

/** A folder that every machine has: where a wired input lies is known only later. */
const somewhere = '/'

/**
 * What stands for a wired input until its source has run. A file of rows that is a table is read as one
 * unless the step says otherwise.
 */
const standIn = (written: Fields, source: OutputFields | undefined): Fields => {
  if (source?.file === undefined) return { ...written, path: somewhere }
  const { file } = source
  const pattern = file.replaceAll(/[[\]*?{}()!+@]/g, '[$&]')
  const isPlain = Object.keys(written).every((field) => field === 'path' || field === 'mode')
  const table = isPlain && /\.(csv|tsv|jsonl|parquet)$/i.test(file) ? tableFields(source) : {}
  return { pattern, ...table, ...written, path: somewhere }
}

const tableFields = ({ delimiter, header }: OutputFields): Fields => ({
  type: 'table',
  ...(delimiter === undefined ? {} : { delimiter }),
  ...(header === undefined ? {} : { header }),
})

/** What a step says about its output: `file` is undefined where it gives a folder. */
export interface OutputFields {
  readonly file: string | undefined
  readonly delimiter?: unknown
  readonly header?: unknown
}

export const outputFieldsOf = (step: Fields): OutputFields => {
  const { append_row_file_name: name = jobDefaults.outputFileName, output_action: action } = step
  return {
    file: String(action).toLowerCase() === 'summary_only' ? undefined : String(name),
    delimiter: step['append_row_delimiter'],
    header: step['append_row_header'],
  }
}

const asMap = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

const outputReference = (text: unknown): OutputReference | undefined => {
  if (typeof text !== 'string') return undefined
  const [only, ...others] = cutReferences(text)
  if (others.length > 0 || only === undefined || typeof only === 'string') return undefined
  return only.reference?.kind === 'output' ? only.reference : undefined
}

const outputOf = ({ output }: OutputReference) => (output === undefined ? {} : { output })

const notAnInput = (path: FieldPath, written: string): Fault => ({
  rank: 1,
  path,
  message: `"${nameOf(path)}" is ${written}, but an output can only be an input: write it below inputs or side_inputs`,
})

const withoutPlace = (spec: JobDraft, wires: readonly NamedWire[]): JobDraft => {
  const placeless =
    (isSide: boolean) =>
    (input: JobInput): JobInput => {
      const isIt = (wire: NamedWire): boolean =>
        (wire.side === true) === isSide && wire.input === input.name
      return wires.some(isIt) ? { ...input, root: '' } : input
    }
  const inputs = spec.inputs.map(placeless(false))
  return { ...spec, inputs, sideInputs: spec.sideInputs.map(placeless(true)) }
}

/** What is wrong with how steps hang together; places are those of the whole file. */
export const checkWires = (
  steps: readonly (StepFile & { readonly wires: readonly NamedWire[] })[],
  places: readonly StepPlace[],
): Fault | undefined => {
  const outputs = new Map(steps.map(({ name, output }) => [name, output]))
  for (const [i, step] of steps.entries()) {
    const path = places[i]?.path ?? []
    const fault = (message: string): Fault => ({ rank: 1, path, message })
    for (const { input, step: source, output } of step.wires) {
      const known = outputs.get(source)
      if (known === undefined)
        return fault(
          `Input "${input}" of step "${step.name}" is the output of step "${source}", which the file does not have`,
        )
      if (output !== undefined && output !== known)
        return fault(
          `Input "${input}" of step "${step.name}" is the output "${output}" of step "${source}", whose output is called "${known}"`,
        )
    }
    const unknown = step.after.find((name) => !outputs.has(name))
    if (unknown !== undefined)
      return fault(
        `Step "${step.name}" stands after step "${unknown}", which the file does not have`,
      )
  }
  const cycle = findCycle(steps)
  return cycle === undefined
    ? undefined
    : {
        rank: 1,
        path: ['steps'],
        message: `The steps wait for each other in a circle, ${cycle.join(' -> ')}: take one of these references away`,
      }
}
