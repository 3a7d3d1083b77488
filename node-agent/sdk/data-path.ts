import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import process from 'node:process'
import { musterError, MusterFailure } from '#protocol/errors.ts'

/** A place below a datastore: a folder, a file, or a glob. */
export interface DataPath {
  readonly datastore: string
  readonly path: string
}

/** A folder and the globs below it, as an input of a job file has them. */
export interface Place {
  readonly datastore?: string
  readonly path: string
  readonly patterns: readonly string[]
}

const isGlob = (segment: string): boolean => /[*?[\]{}]/.test(segment)

/**
 * Joins paths to one folder with patterns: what they have in common, and the rest of each. A path on this
 * machine is looked at, to tell a folder from a file; one in a datastore is a file if its last part has an
 * ending.
 * @throws MusterFailure `RequestInvalid` for paths that have no folder in common
 */
export const placeOf = async (paths: readonly (string | DataPath)[]): Promise<Place> => {
  const [first] = paths
  if (first === undefined) throw refused('A dataset needs at least one path; give one.')
  const datastores = new Set(paths.map((path) => (typeof path === 'string' ? '' : path.datastore)))
  if (datastores.size > 1)
    throw refused('The paths of one dataset must lie in one datastore; make a dataset for each.')
  if (typeof first !== 'string') {
    const { path, patterns } = join(
      paths.map((one) => byName(typeof one === 'string' ? one : one.path)),
      '',
    )
    return { datastore: first.datastore, path, patterns }
  }
  const local = await Promise.all(
    paths.map((one) => onThisMachine(typeof one === 'string' ? one : one.path)),
  )
  // A drive's letter is a part of the path like any other.
  return join(local, process.platform === 'win32' ? '' : '/')
}

/** A path cut in two: the folder's parts, and the glob below it. */
interface Cut {
  readonly folder: readonly string[]
  readonly pattern: string
}

const partsOf = (path: string): string[] =>
  path.split(/[\\/]/).filter((part) => part !== '' && part !== '.')

const cutGlob = (parts: readonly string[]): Cut | undefined => {
  const at = parts.findIndex(isGlob)
  return at < 0 ? undefined : { folder: parts.slice(0, at), pattern: parts.slice(at).join('/') }
}

const byName = (path: string): Cut => {
  const parts = partsOf(path)
  const last = parts.at(-1) ?? ''
  const isFile = !/[\\/]$/.test(path) && /\.[^.]+$/.test(last)
  return (
    cutGlob(parts) ??
    (isFile ? { folder: parts.slice(0, -1), pattern: last } : { folder: parts, pattern: '**/*' })
  )
}

const onThisMachine = async (path: string): Promise<Cut> => {
  const absolute = resolve(path)
  const globbed = cutGlob(partsOf(absolute))
  if (globbed !== undefined) return globbed
  const isFile = await stat(absolute).then(
    (found) => found.isFile(),
    () => false,
  )
  if (!isFile) return { folder: partsOf(absolute), pattern: '**/*' }
  return { folder: partsOf(dirname(absolute)), pattern: partsOf(absolute).at(-1) ?? '' }
}

const join = (cuts: readonly Cut[], root: string): Omit<Place, 'datastore'> => {
  const folders = cuts.map((cut) => cut.folder)
  const shortest = Math.min(...folders.map((folder) => folder.length))
  let shared = 0
  while (shared < shortest && folders.every((folder) => folder[shared] === folders[0]?.[shared]))
    shared += 1
  const common = folders[0]?.slice(0, shared) ?? []
  const path = `${root}${common.join('/')}`
  const patterns = cuts.map((cut) => [...cut.folder.slice(shared), cut.pattern].join('/'))
  return { path: path === '' ? '.' : path, patterns: [...new Set(patterns)] }
}

const refused = (sentence: string): MusterFailure =>
  new MusterFailure(musterError('RequestInvalid', sentence))
