import { azureName, isMap, mapAt, sourceOf } from './file.ts'
import type { AzureFile, Fields, Source } from './file.ts'

type DataSource = Extract<Source, { kind: 'data' }>

/**
 * Command steps are not run. What they would have written must be there: where the output's own path says,
 * else in the folder STEP/OUTPUT beside the file. A command that only sorts a table by the very keys by which
 * the reading step is cut is passed over: its input is read, and cut here.
 */
export interface Commands {
  readonly isCommand: (step: string) => boolean
  /** Where another step finds an output of a command. @param keys partition keys of the reading step */
  readonly outputOf: (
    source: Extract<Source, { kind: 'step' }>,
    keys: readonly string[],
  ) => DataSource | undefined
  /** Warns of every command, once all steps were read. */
  readonly warn: () => void
  /** What other steps read of commands, once all steps were read. */
  readonly awaited: readonly AwaitedOutput[]
}

/** What a command would have written, and another step reads. */
export interface AwaitedOutput {
  readonly step: string
  readonly output: string
  /** Where it is read from, as the file says it. */
  readonly path: string
}

export const createCommands = (file: AzureFile): Commands => {
  const jobs = mapAt(file.root, 'jobs')
  const names = Object.keys(jobs).filter((name) => mapAt(jobs, name)['type'] === 'command')
  const told = new Map<string, string[]>()
  const awaited: AwaitedOutput[] = []
  const tell = (step: string, words: string): void => {
    told.set(step, [...(told.get(step) ?? []), words])
  }
  return {
    isCommand: (step) => names.includes(step),
    awaited,
    outputOf: (source, keys) => {
      const step = mapAt(jobs, source.step)
      const sorted = keys.length === 0 ? undefined : sortedInput(file, source.step, step, keys)
      if (sorted !== undefined) {
        const at = azureName(['inputs', sorted.name])
        tell(
          source.step,
          `its ${at} is read in place of "${source.output}", and cut by the same keys`,
        )
        return {
          ...sorted.source,
          type: sorted.source.type === 'uri_file' ? 'table-file' : 'mltable',
        }
      }
      const output = mapAt(mapAt(step, 'outputs'), source.output)
      const path = output['path']
      const at = ['jobs', source.step, 'outputs', source.output] as const
      const place = typeof path === 'string' ? path : `./${source.step}/${source.output}`
      awaited.push({ step: source.step, output: source.output, path: place })
      tell(source.step, `what it writes as "${source.output}" is read from ${place}`)
      return {
        kind: 'data',
        path: place,
        type: source.type,
        at: typeof path === 'string' ? [...at, 'path'] : source.at,
      }
    },
    warn: () => {
      for (const name of names) {
        const rest = [...new Set(told.get(name) ?? [])].join('; ')
        const words = `is a command, which is not run here${rest === '' ? '' : `: ${rest}`}`
        file.warnings.push({ path: ['jobs', name], words })
      }
    },
  }
}

/** The one input of a command whose plain input `partition_keys` lists the same keys. */
const sortedInput = (
  file: AzureFile,
  name: string,
  step: Fields,
  keys: readonly string[],
): { readonly name: string; readonly source: DataSource } | undefined => {
  const inputs = mapAt(step, 'inputs')
  const { partition_keys: given } = inputs
  if (typeof given !== 'string') return undefined
  const same = given.split(',').map((key) => key.trim())
  if (same.length !== keys.length || same.some((key) => !keys.includes(key))) return undefined
  const data = Object.entries(inputs).flatMap(([input, value]) => {
    if (input === 'partition_keys' || !(isMap(value) || typeof value === 'string')) return []
    const source = sourceOf(file, ['jobs', name, 'inputs', input], value)
    return source?.kind === 'data' ? [{ name: input, source }] : []
  })
  return data.length === 1 ? data[0] : undefined
}
