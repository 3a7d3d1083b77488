import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { stringify } from 'yaml'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { mergeComponent, readComponentPlace } from '#protocol/spec/azure/component.ts'
import { isMap } from '#protocol/spec/azure/file.ts'
import type { AzureFault, Fields } from '#protocol/spec/azure/file.ts'
import { faultError } from './job-file-errors.ts'
import { readJobFileText } from './job-file-text.ts'
import type { FieldPath, ReadText } from './job-file-text.ts'

export interface PutIn {
  readonly text: ReadText
  /** The whole as one file, for later: then the component files may have changed. Left out if there are none. */
  readonly whole?: string
}

/** Puts the component files that steps of a pipeline name into those steps; places stay those of either file. */
export const withComponents = (text: ReadText, file: string): Result<PutIn, MusterError> => {
  const { jobs } = text.value
  if (text.value['type'] !== 'pipeline' || !isMap(jobs)) return ok({ text })
  const used = Object.entries(jobs).filter(([, step]) => wantsComponent(step))
  if (used.length === 0) return ok({ text })
  const merged: Record<string, unknown> = { ...jobs }
  const components = new Map<string, Component>()
  for (const [name, step] of used) {
    const read = readComponent(text, { name, step: step as Fields, folder: dirname(file) })
    if (!read.ok) return read
    components.set(name, read.value)
    merged[name] = read.value.merged
  }
  const placed = placedText(text, components)
  const faults = [...components].flatMap(([name, { faults: found }]) =>
    found.map((fault) => inStep(fault, name)),
  )
  const error = faultError(faults, {
    text: placed,
    overridden: { value: text.value, isOverridden: () => false },
  })
  if (error !== undefined) return err(error)
  const value = { ...text.value, jobs: merged }
  const whole = stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 })
  if (Buffer.byteLength(whole) > limits.jobFileBytes) return err(tooLarge(file))
  return ok({ text: { ...placed, value }, whole })
}

const tooLarge = (file: string): MusterError =>
  musterError(
    'JobFileInvalid',
    `${file} and its component files together are larger than ${limits.jobFileBytes} bytes: split the pipeline.`,
  )

/** A command is not run, so its component is not read. */
const wantsComponent = (step: unknown): boolean =>
  isMap(step) && step['component'] !== undefined && step['type'] !== 'command'

interface Component {
  readonly text: ReadText
  readonly step: Fields
  readonly merged: Fields
  readonly faults: readonly AzureFault[]
}

interface Use {
  readonly name: string
  readonly step: Fields
  /** Folder of the pipeline's file. */
  readonly folder: string
}

const readComponent = (text: ReadText, use: Use): Result<Component, MusterError> => {
  const { name, step, folder } = use
  const at = ['jobs', name, 'component']
  const refuse = (words: string): Result<Component, MusterError> => {
    const message = `"${at.join('.')}" ${words}`
    const overridden = { value: text.value, isOverridden: () => false }
    const error = faultError([{ rank: 1, path: at, message }], { text, overridden })
    if (error === undefined) throw new Error('a fault without an error')
    return err(error)
  }
  const place = readComponentPlace(step['component'])
  if (place.kind === 'refused') return refuse(place.why)
  const file = resolve(folder, place.path)
  let bytes: string
  try {
    bytes = readFileSync(file, 'utf8')
  } catch (thrown) {
    return refuse(`names ${file}, which cannot be read: ${thrownToText(thrown)}`)
  }
  const read = readJobFileText(bytes, file)
  if (!read.ok) return read
  const { type } = read.value.value
  if (type !== 'parallel' && type !== 'command')
    return refuse(
      typeof type === 'string'
        ? `names ${file}, whose type is ${type}, but must be parallel`
        : `names ${file}, which has no type, but must be a component of the type parallel`,
    )
  const merged = mergeComponent(step, read.value.value, (path) => beside(folder, file, path))
  return ok({ text: read.value, step, merged: merged.step, faults: merged.faults })
}

/** A path beside the component's file as one beside the pipeline's. */
const beside = (folder: string, file: string, path: string): string =>
  isAbsolute(path) || /^[a-z][a-z0-9+.-]+:/i.test(path)
    ? path
    : `./${relative(folder, resolve(dirname(file), path))
        .split(sep)
        .join('/')}`

const inStep = (fault: AzureFault, name: string): AzureFault => ({
  ...fault,
  path: ['jobs', name, ...fault.path],
  message: fault.message.replace('"', `"jobs.${name}.`),
})

/** What a step says stands in the pipeline's file, what only its component says in the component's. */
const placedText = (text: ReadText, components: ReadonlyMap<string, Component>): ReadText => {
  const placeOf = (path: FieldPath): readonly [ReadText, FieldPath] => {
    const component = path[0] === 'jobs' ? components.get(String(path[1])) : undefined
    if (component === undefined) return [text, path]
    const below = path.slice(2)
    return depthIn(component.text.value, below) > depthIn(component.step, below)
      ? [component.text, below]
      : [text, path]
  }
  return {
    ...text,
    keyAt: (path) => {
      const [from, at] = placeOf(path)
      return from.keyAt(at)
    },
    valueAt: (path) => {
      const [from, at] = placeOf(path)
      return from.valueAt(at)
    },
  }
}

/** How many names of a path there are in a value. */
const depthIn = (value: unknown, path: FieldPath): number => {
  let depth = 0
  for (let here = value; depth < path.length; depth += 1) {
    const name = path[depth] ?? ''
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, name)) break
    here = (here as Fields)[name]
  }
  return depth
}
