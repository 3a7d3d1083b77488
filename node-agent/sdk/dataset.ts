import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import type { DatasetSource, ReadingFields, TableOptions } from './dataset-input.ts'
import { placeOf } from './data-path.ts'
import type { DataPath, Place } from './data-path.ts'
import type { Maybe } from './parameter.ts'
import { checkInstance, checkOptions, refused } from './check-options.ts'
import { mustBeWorkspace, Workspace } from './workspace.ts'

/** Paths or globs: on this machine, below a datastore, or chosen when a pipeline is submitted. */
export type Paths = Maybe<string | DataPath> | readonly (string | DataPath)[]

export interface FromFilesOptions {
  /** Look now, from this machine, whether the folder is there. Default: false. */
  readonly validate?: boolean
  /** Path with fields in braces, such as `{user}/{season}/{file}.wav`: what `partitionKeys` may name. */
  readonly partitionFormat?: string
}

export interface FromTableOptions extends TableOptions {
  readonly validate?: boolean
}

export interface RegisterDataset {
  readonly name: string
  readonly description?: string
  readonly tags?: Readonly<Record<string, string>>
  /** Whether its files are looked for now. Default: false. */
  readonly validate?: boolean
}

const filesTable = { validate: 'may', partitionFormat: 'may' } as const
const tableTable = { validate: 'may', separator: 'may', header: 'may' } as const
const registerTable = {
  name: 'needed',
  description: 'may',
  tags: 'may',
  validate: 'may',
} as const

/** A choice of files or of records. Lazy: nothing is read before it is used, unless `validate` says so. */
export class Dataset {
  readonly source: DatasetSource

  constructor(source: DatasetSource) {
    this.source = source
  }

  /** Each file is an item. */
  static readonly File = {
    fromFiles: async (paths: Paths, options: FromFilesOptions = {}): Promise<Dataset> => {
      checkOptions<FromFilesOptions>('fromFiles', options, filesTable)
      const { validate = false, partitionFormat } = options
      return fromPaths(paths, validate, {
        type: 'files',
        ...(partitionFormat === undefined ? {} : { partition_format: partitionFormat }),
      })
    },
  }

  /** Each record is an item. */
  static readonly Tabular = {
    fromDelimitedFiles: async (paths: Paths, options: FromTableOptions = {}): Promise<Dataset> => {
      checkOptions<FromTableOptions>('fromDelimitedFiles', options, tableTable)
      return fromPaths(paths, options.validate ?? false, {
        type: 'table',
        format: 'delimited',
        ...(options.separator === undefined ? {} : { delimiter: options.separator }),
        ...(options.header === undefined ? {} : { header: options.header }),
      })
    },
    fromJsonLines: (paths: Paths, options: { readonly validate?: boolean } = {}) =>
      fromPaths(paths, options.validate ?? false, { type: 'table', format: 'json-lines' }),
    fromParquetFiles: (paths: Paths, options: { readonly validate?: boolean } = {}) =>
      fromPaths(paths, options.validate ?? false, { type: 'table', format: 'parquet' }),
  }

  /** A registered dataset: the newest version of a name, or the one asked for. */
  static async get(workspace: Workspace, name: string, version?: number): Promise<Dataset> {
    const dataset = version === undefined ? name : `${name}:${version}`
    const view = await workspace.connection.call('dataset', { query: { dataset } })
    return new Dataset({ kind: 'registered', name: view.name, version: view.version })
  }

  /** Registers the next version of a name. Moves nothing. */
  async register(workspace: Workspace, wish: RegisterDataset): Promise<Dataset> {
    checkInstance("A Dataset's workspace", workspace, Workspace, mustBeWorkspace)
    checkOptions<RegisterDataset>('register', wish, registerTable)
    if (this.source.kind === 'registered') return this
    const fixed = this.source.paths.filter(isFixed)
    if (fixed.length < this.source.paths.length)
      throw new MusterFailure(
        musterError(
          'RequestInvalid',
          'A dataset whose path is a parameter has no files of its own; register one with a path.',
        ),
      )
    const { type, ...options } = this.source.fields
    const view = await workspace.connection.call('registerDataset', {
      body: {
        name: wish.name,
        type: type === 'table' ? 'table' : 'file',
        ...mutable(await placeOf(fixed)),
        options,
        ...(wish.validate === undefined ? {} : { validate: wish.validate }),
        ...(wish.description === undefined ? {} : { description: wish.description }),
        ...(wish.tags === undefined ? {} : { tags: { ...wish.tags } }),
      },
    })
    return new Dataset({ kind: 'registered', name: view.name, version: view.version })
  }

  /** The name by which a step, and its script, know it. */
  asNamedInput(name: string): NamedInput {
    return new NamedInput(name, this)
  }
}

const isFixed = (path: Maybe<string | DataPath>): path is string | DataPath =>
  typeof path === 'string' || 'datastore' in path

const mutable = ({ patterns, ...rest }: Place) => ({ ...rest, patterns: [...patterns] })

/** How the items of an input come to the machines that work on them. */
export type InputMode = 'mount' | 'download' | 'direct'

/** A dataset as an input of a step. */
export class NamedInput {
  readonly name: string
  readonly dataset: Dataset
  readonly mode: InputMode

  constructor(name: string, dataset: Dataset, mode: InputMode = 'mount') {
    this.name = name
    this.dataset = dataset
    this.mode = mode
  }

  /** Items are fetched as they are needed, or opened where they lie. */
  asMount(): NamedInput {
    return new NamedInput(this.name, this.dataset, 'mount')
  }

  /** All of it is on a machine, checked, before the first mini-batch runs there. */
  asDownload(): NamedInput {
    return new NamedInput(this.name, this.dataset, 'download')
  }

  /** The script opens the files itself, where they lie. */
  asDirect(): NamedInput {
    return new NamedInput(this.name, this.dataset, 'direct')
  }
}

const fromPaths = async (
  paths: Paths,
  validate: boolean,
  fields: ReadingFields,
): Promise<Dataset> => {
  const list = isList(paths) ? paths : [paths]
  if (list.length === 0 || !list.every(isPlace))
    throw refused(
      'A dataset is made of paths; give one or a list of them: texts, or `datastore.path(...)`.',
    )
  const dataset = new Dataset({ kind: 'paths', paths: list, fields })
  const local = list.filter((path) => typeof path === 'string')
  if (validate && local.length === list.length) await mustBeThere(local)
  return dataset
}

const isPlace = (path: unknown): boolean =>
  typeof path === 'string' ||
  (typeof path === 'object' && path !== null && ('datastore' in path || 'reference' in path))

const isList = (paths: Paths): paths is readonly (string | DataPath)[] => Array.isArray(paths)

const mustBeThere = async (paths: readonly string[]): Promise<void> => {
  const { path } = await placeOf(paths)
  const found = await stat(resolve(path)).catch(() => undefined)
  if (found?.isDirectory() === true) return
  throw new MusterFailure(
    musterError('InputMissing', `There is no folder ${path} on this machine; check the path.`),
  )
}
