import { soleExpression } from './expressions.ts'
import { sourceOf, wrong } from './file.ts'
import type { AzureFile, AzurePath, Fields, Source } from './file.ts'
import { fileAsPattern, readPlace } from './places.ts'

/** What the inputs of one step are for. */
export interface StepInputs {
  /** All of them that could be read, by name. */
  readonly sources: ReadonlyMap<string, Source>
  /** The one that is split. */
  readonly split: string | undefined
  /** One is the script's model; several it asks for by these names. */
  readonly models: readonly string[]
  /** Data that is neither. */
  readonly side: readonly string[]
}

/** @param named whether an argument of the script calls an input its model */
export const readInputs = (
  file: AzureFile,
  at: AzurePath,
  step: Fields,
  named: (input: string) => boolean,
): StepInputs => {
  const inputs = (step['inputs'] ?? {}) as Fields
  const sources = new Map<string, Source>()
  for (const [name, value] of Object.entries(inputs)) {
    const source = sourceOf(file, [...at, 'inputs', name], value)
    if (source !== undefined) sources.set(name, source)
  }
  const split = splitInput(file, at, step, inputs)
  const data = [...sources].filter(([name, { kind }]) => name !== split && kind !== 'value')
  const models = data.filter(
    ([name, source]) => isModel(source) || /model/i.test(name) || named(name),
  )
  const names = models.map(([name]) => name)
  const side = data.map(([name]) => name).filter((name) => !names.includes(name))
  return { sources, split, models: names, side }
}

const isModel = (source: Source): boolean =>
  source.kind !== 'value' && source.type.endsWith('_model')

const splitInput = (
  file: AzureFile,
  at: AzurePath,
  step: Fields,
  inputs: Fields,
): string | undefined => {
  const { input_data: given } = step
  if (given === undefined) {
    const message = `"${[...at, 'input_data'].join('.')}" is missing: it must name the input that is split, such as \${{inputs.images}}`
    file.faults.push({ rank: 2, path: at, message })
    return undefined
  }
  const bound = soleExpression(given)
  if (bound?.kind !== 'input') return wrong(file, [...at, 'input_data'], inputDataForm)
  if (Object.hasOwn(inputs, bound.name)) return bound.name
  return wrong(file, [...at, 'input_data'], `names "${bound.name}", which is none of the inputs`)
}

const inputDataForm = 'must name one of the inputs, such as ${{inputs.images}}'

/** What of data goes into an input of a job file. */
export const inputFieldsOf = (
  file: AzureFile,
  source: Extract<Source, { kind: 'data' }>,
): Fields | undefined => {
  const fields = placeFields(file, source)
  return fields === undefined ? undefined : { ...fields, ...modeFields(source) }
}

/** The usual mode is not written out. */
export const modeFields = ({ mode }: Exclude<Source, { kind: 'value' }>): Fields =>
  mode === undefined || mode === 'mount' ? {} : { mode }

const placeFields = (
  file: AzureFile,
  source: Extract<Source, { kind: 'data' }>,
): Fields | undefined => {
  const place = readPlace(source.path)
  const table = source.type === 'mltable' ? { type: 'mltable' } : {}
  switch (place.kind) {
    case 'path':
      if (source.type !== 'uri_file') return { path: place.path, ...table }
      return fileAsPattern(place.path)
    case 'registered':
      return {
        dataset: place.name,
        ...(place.version === undefined ? {} : { version: place.version }),
      }
    case 'datastore': {
      const { datastore } = place
      const name = datastore === '' ? 'default' : datastore
      if (source.type !== 'uri_file') return { datastore: name, path: place.path || '.', ...table }
      return { datastore: name, ...fileAsPattern(place.path) }
    }
    case 'refused':
      return wrong(file, source.at, place.why)
  }
}

/** A model's path or its name. */
export const modelFieldsOf = (
  file: AzureFile,
  source: Extract<Source, { kind: 'data' }>,
): Fields | undefined => {
  const place = readPlace(source.path)
  switch (place.kind) {
    case 'path':
      return { path: place.path }
    case 'registered':
      return {
        name: place.name,
        ...(place.version === undefined ? {} : { version: place.version }),
      }
    case 'datastore':
      return wrong(file, source.at, 'is a model in a datastore: register it and give its name')
    case 'refused':
      return wrong(file, source.at, place.why)
  }
}
