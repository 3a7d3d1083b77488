import type { Millis, PeerId } from './ids.ts'

/**
 * Named places and named choices of data. Registering names a thing and moves nothing. Both count
 * versions from 1: the newest counts unless a version is asked for.
 */
interface Registered {
  readonly name: string
  readonly version: number
  readonly description: string
  readonly tags: Readonly<Record<string, string>>
  readonly registeredBy: PeerId
  readonly registeredAt: Millis
}

/** Where data lies: a folder of one peer, or a place in a share that machines map each for themselves. */
export type DataPlace =
  | {
      readonly kind: 'folder'
      readonly peer: PeerId
      /** Absolute on that peer. */
      readonly path: string
    }
  | {
      readonly kind: 'share'
      readonly share: string
      /** Below the share, with `/`; empty: the share's own folder. */
      readonly path: string
    }

/** A named place of data. A newer version stands for one that was registered with `overwrite`. */
export interface Datastore extends Registered {
  readonly place: DataPlace
}

/** Where a dataset's files lie: below a place itself, or below a datastore as it is when it is used. */
export type DatasetSource =
  | DataPlace
  | {
      readonly kind: 'datastore'
      readonly datastore: string
      /** Below the datastore, with `/`; empty: all of it. */
      readonly path: string
    }

/** A named choice of files: as they are, or as tables of rows. Lazy: files are looked at when it is used. */
export interface Dataset extends Registered {
  readonly type: 'file' | 'table'
  readonly source: DatasetSource
  /** Globs below the source, with `/`. */
  readonly patterns: readonly string[]
  /** Fields of an input in a job file that belong to this data, such as a table's delimiter. */
  readonly options: Readonly<Record<string, string | number | boolean>>
}

/** The datastore that is always there: a folder in the home of the agent that is asked. */
export const defaultDatastore = 'default'

/** Where a dataset lies now; undefined if its datastore is not there any more. */
export const placeOfSource = (
  source: DatasetSource,
  datastores: readonly Datastore[],
): DataPlace | undefined => {
  if (source.kind !== 'datastore') return source
  const found = datastores.find(({ name }) => name === source.datastore)
  return found === undefined ? undefined : placeBelow(found.place, source.path)
}

/** A place below another. @param path with `/`, never leading out; empty: the place itself */
export const placeBelow = (place: DataPlace, path: string): DataPlace => {
  if (path === '') return place
  const start = place.path.replace(/[\\/]+$/, '')
  // Folders of Windows keep their own slashes.
  const slash = place.kind === 'folder' && start.includes('\\') ? '\\' : '/'
  const below = path.split('/').join(slash)
  const isTop = place.kind === 'share' && start === ''
  return { ...place, path: isTop ? below : `${start}${slash}${below}` }
}

/**
 * A path that a person wrote below a place, without `.` and doubled slashes; empty: the place itself.
 * Undefined if it leads out, or is one of a single system.
 */
export const belowPlace = (path: string): string | undefined => {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  const isForeign = /^[/~]|\\|^[A-Za-z]:|\0/.test(path) || parts.includes('..')
  return isForeign ? undefined : parts.join('/')
}
