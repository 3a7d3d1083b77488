import type { Maybe, PipelineParameter } from './parameter.ts'
import { placeOf } from './data-path.ts'
import type { DataPath } from './data-path.ts'

/** Fields of one input in a job file. */
export type InputFields = Readonly<Record<string, unknown>>

/** How the files of an input are read: simple values, as they are registered too. */
export type ReadingFields = Readonly<Record<string, string | number | boolean>>

/** How files are read where they are not items themselves. */
export interface TableOptions {
  /** What stands between the fields of a record. Default: a comma, a tab for `.tsv`. */
  readonly separator?: string
  /** Whether the first record of each file names its columns. Default: true. */
  readonly header?: boolean
}

/** What an unregistered dataset is: paths, and how they are read. */
export interface DatasetPaths {
  readonly kind: 'paths'
  readonly paths: readonly Maybe<string | DataPath>[]
  /** Fields besides the place: kind, format, delimiter, header, `partition_format`. */
  readonly fields: ReadingFields
}

/** A registered dataset: its version is pinned when a job is submitted. */
export interface DatasetReference {
  readonly kind: 'registered'
  readonly name: string
  readonly version: number
}

export type DatasetSource = DatasetPaths | DatasetReference

/** The input of a job file. A path that is a parameter stands alone: its value is known at submit only. */
export const inputFields = async (source: DatasetSource): Promise<InputFields> => {
  if (source.kind === 'registered') return { dataset: source.name, version: source.version }
  const [first] = source.paths
  if (isParameter(first)) return { path: first.reference, ...source.fields }
  return { ...(await placeOf(source.paths.filter(isPath))), ...source.fields }
}

const isParameter = (path: Maybe<string | DataPath> | undefined): path is PipelineParameter =>
  typeof path === 'object' && 'reference' in path

const isPath = (path: Maybe<string | DataPath>): path is string | DataPath =>
  typeof path === 'string' || 'datastore' in path
