import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import { suggest } from '#protocol/spec/suggest.ts'
import { refused } from './check-options.ts'
import { plainFields } from './config-options.ts'
import type { ParallelRunConfigOptions, PlainOption } from './config-options.ts'
import { Environment } from './environment.ts'
import { PipelineParameter } from './parameter.ts'
import type { Workspace } from './workspace.ts'

/** Writes options as YAML, whose values are JSON: any reader of YAML reads that. Answers the whole path. */
export const saveConfig = async (
  options: ParallelRunConfigOptions,
  path: string,
): Promise<string> => {
  const { sourceDirectory, environment, computeTarget } = options
  const variables = environment?.environmentVariables ?? {}
  const fields: Record<string, unknown> = {
    source_directory: valueOf(sourceDirectory),
    ...Object.fromEntries(
      Object.entries(plainFields).map(([option, field]) => [
        field,
        valueOf(options[option as PlainOption]),
      ]),
    ),
    compute:
      typeof computeTarget === 'object' && !(computeTarget instanceof PipelineParameter)
        ? computeTarget.name
        : valueOf(computeTarget),
    runtime: environment?.runtime,
    environment_variables: Object.keys(variables).length === 0 ? undefined : valueOf(variables),
  }
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${JSON.stringify(value)}\n`],
  )
  const whole = resolve(path)
  await writeFile(whole, lines.length === 0 ? '{}\n' : lines.join(''))
  return whole
}

/** A value with the defaults of parameters in their places. */
const valueOf = (value: unknown): unknown => {
  if (value instanceof PipelineParameter) return value.defaultValue
  if (Array.isArray(value)) return value.map(valueOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, valueOf(one)]))
}

/** Reads options from YAML. What their values may be is checked when a pipeline is submitted. */
export const loadConfig = async (
  workspace: Workspace,
  path: string,
): Promise<ParallelRunConfigOptions> => {
  const file = resolve(path)
  const text = await readFile(file, 'utf8').catch((thrown: unknown) => {
    const sentence = `There is no file ${file} that can be read; check the path.`
    throw new MusterFailure(
      musterError('JobFileMissing', sentence, { detail: thrownToText(thrown) }),
    )
  })
  const { fields } = await workspace.connection.call('checkFile', { body: { text, file } })
  const options: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(fields)) {
    const option = optionOf.get(field)
    if (option === undefined) throw unknownField(file, field)
    options[option] = value
  }
  const { runtime, environmentVariables, ...plain } = options
  const environment =
    runtime === undefined && environmentVariables === undefined
      ? {}
      : { environment: new Environment(onlyGiven({ runtime, environmentVariables })) }
  return { ...plain, ...environment }
}

const onlyGiven = (fields: Readonly<Record<string, unknown>>): Readonly<Record<string, never>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Readonly<
    Record<string, never>
  >

const optionOf: ReadonlyMap<string, string> = new Map([
  ...Object.entries(plainFields).map(([option, field]) => [field, option] as const),
  ['source_directory', 'sourceDirectory'],
  ['compute', 'computeTarget'],
  ['runtime', 'runtime'],
  ['environment_variables', 'environmentVariables'],
])

const unknownField = (file: string, field: string): MusterFailure => {
  const near = suggest(field, [...optionOf.keys()])
  const advice =
    near.length === 0 ? 'remove it, or say it of the step' : `did you mean ${near.join(' or ')}?`
  return refused(
    `${file} has the field "${field}", which a ParallelRunConfig has not; ${advice}${near.length === 0 ? '.' : ''}`,
  )
}
