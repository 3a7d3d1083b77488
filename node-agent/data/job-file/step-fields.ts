import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { ParameterValue } from '#protocol/model/pipeline.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { namePattern } from '#protocol/spec/run-fields.ts'
import { wrongValue } from './job-file-errors.ts'
import type { Fault } from './job-file-errors.ts'
import { unknownOverride } from './job-file-overrides.ts'
import type { FieldPath } from './job-file-text.ts'

type Fields = Readonly<Record<string, unknown>>

/** A step as it stands in the file. */
export interface StepPlace {
  readonly name: string
  /** Where it stands. */
  readonly path: FieldPath
  /** Its fields but for its name. */
  readonly fields: Fields
}

const asMap = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : undefined

const steps = `a map from names to steps, or a list of steps with names, at most ${limits.pipelineSteps}`
const stepName =
  'text of 3 to 32 characters: small letters, digits and hyphens, a letter first and no hyphen last'

/** The steps of a file, which may stand as a map or as a list. */
export const stepsOf = (file: Fields): Result<readonly StepPlace[], Fault> => {
  const { steps: written } = file
  const list = Array.isArray(written)
    ? written.map((step: unknown, i) => ({ path: ['steps', i], step, key: undefined }))
    : Object.entries(asMap(written) ?? {}).map(([key, step]) => ({
        path: ['steps', key],
        step,
        key,
      }))
  if (list.length === 0 || list.length > limits.pipelineSteps)
    return err(wrongValue(['steps'], written, steps))
  const places: StepPlace[] = []
  for (const { path, step, key } of list) {
    const fields = asMap(step)
    if (fields === undefined) return err(wrongValue(path, step, 'a map with the fields of a job'))
    const { name = key, ...others } = fields
    if (typeof name !== 'string' || name.length < 3 || name.length > 32 || !namePattern.test(name))
      return err(
        name === undefined
          ? { rank: 2, path, message: `A step of the list has no "name": it must be ${stepName}` }
          : wrongValue(key === undefined ? [...path, 'name'] : path, name, stepName),
      )
    if (places.some((one) => one.name === name))
      return err({ rank: 0, path, message: `Two steps are called "${name}": rename one of them` })
    places.push({ name, path, fields: others })
  }
  return ok(places)
}

export interface SplitOverrides {
  /** The file with what was set for the whole run. */
  readonly top: Fields
  readonly steps: ReadonlyMap<string, Readonly<Record<string, ParameterValue>>>
  readonly isOverridden: (path: FieldPath) => boolean
}

const topFields = new Set([
  'experiment',
  'description',
  'continue_on_step_failure',
  'allow_reuse',
  'regenerate_outputs',
])

/** Tells overrides of the whole run from those of its steps. */
export const splitOverrides = (
  file: Fields,
  places: readonly StepPlace[],
  overrides: Readonly<Record<string, ParameterValue>>,
): Result<SplitOverrides, MusterError> => {
  const ofSteps = new Map<string, Record<string, ParameterValue>>()
  const set: string[] = []
  let top = file
  for (const [name, value] of Object.entries(overrides)) {
    const [, step, field] = /^(?:steps|jobs)\.([^.]+)\.(.+)$/.exec(name) ?? []
    if (step !== undefined && field !== undefined) {
      if (!places.some((place) => place.name === step)) return err(unknown(name, places))
      ofSteps.set(step, { ...ofSteps.get(step), [field]: value })
    } else if (topFields.has(name)) {
      top = { ...top, [name]: value }
      set.push(name)
    } else return err(unknown(name, places))
  }
  const isOverridden = (path: FieldPath): boolean => set.includes(String(path[0]))
  return ok({ top, steps: ofSteps, isOverridden })
}

const unknown = (name: string, places: readonly StepPlace[]): MusterError =>
  unknownOverride(name, [
    ...topFields,
    ...places.map((place) => `steps.${place.name}.${name.split('.').at(-1) ?? ''}`),
  ])
