import type { KnownData } from '#agent/ports/job-file.ts'
import { belowPlace, placeBelow, placeOfSource } from '#protocol/model/registry.ts'
import type { Dataset, DataPlace } from '#protocol/model/registry.ts'
import { err, ok } from '#protocol/model/result.ts'
import { inputSchema } from '#protocol/spec/inputs.ts'
import type { PlaceFields } from '#protocol/spec/inputs.ts'
import { suggest } from '#protocol/spec/suggest.ts'
import { fault } from './job-file-part.ts'
import type { Part } from './job-file-part.ts'

/** What an input means once the names of datastores and datasets are looked up. */
export interface Meant {
  readonly given: PlaceFields & { readonly path: string }
  /** Where the path lies; undefined: on this machine, from the job file's folder. */
  readonly place?: DataPlace
}

/** @param path where the input stands in the job file */
export const meantBy = (
  given: PlaceFields,
  path: readonly string[],
  known: KnownData | undefined,
): Part<Meant> => {
  const where = path.join('.')
  if (given.dataset !== undefined) return ofDataset(given, path, known)
  if (given.version !== undefined)
    return fault([...path, 'version'], `"${where}.version" is for a dataset: leave it out`)
  const inside = given.path
  if (inside === undefined) {
    const message = `"${where}.path" is missing: it must be a path, unless a dataset is named`
    return err({ rank: 2, path, message })
  }
  if (given.datastore === undefined) return ok({ given: { ...given, path: inside } })
  if (given.share !== undefined)
    return fault([...path, 'share'], `"${where}" has both share and datastore: give only one`)
  const found = known?.datastores.find(({ name }) => name === given.datastore)
  if (found === undefined)
    return unknown([...path, 'datastore'], given.datastore, 'datastore', known?.datastores)
  const below = belowPlace(inside)
  if (below === undefined)
    return fault(
      [...path, 'path'],
      `"${inside}" must be a path below the datastore "${given.datastore}", such as "2026/july" or "."`,
    )
  return ok({ given: { ...given, path: inside }, place: placeBelow(found.place, below) })
}

const ofDataset = (
  given: PlaceFields & { readonly dataset?: string | undefined },
  path: readonly string[],
  known: KnownData | undefined,
): Part<Meant> => {
  const where = path.join('.')
  const { dataset: name = '', version, mode, ...others } = given
  const also = Object.keys(others)[0]
  if (also !== undefined)
    return fault(
      [...path, also],
      `"${where}" has both dataset and ${also}: a dataset says itself where its files lie and how they are read`,
    )
  const versions = (known?.datasets ?? []).filter((one) => one.name === name)
  const found = versions.find((one) => version === undefined || one.version === version)
  if (found === undefined)
    return versions.length === 0
      ? unknown([...path, 'dataset'], name, 'dataset', known?.datasets)
      : fault(
          [...path, 'version'],
          `The dataset "${name}" has no version ${version}: the newest is ${versions[0]?.version}`,
        )
  const place = placeOfSource(found.source, known?.datastores ?? [])
  if (place === undefined)
    return fault(
      [...path, 'dataset'],
      `The dataset "${name}" lies in the datastore "${datastoreOf(found)}", which is not registered any more`,
    )
  const fields = inputSchema.safeParse({ ...found.options, ...fieldsOf(found), path: '.' })
  if (!fields.success || typeof fields.data === 'string')
    return fault(
      [...path, 'dataset'],
      `The dataset "${name}" has options that no input can have (${Object.keys(found.options).join(', ')}): register it anew`,
    )
  return ok({
    given: { ...fields.data, path: '.', ...(mode === undefined ? {} : { mode }) },
    place,
  })
}

const fieldsOf = ({ type, patterns }: Dataset) => ({
  type: type === 'table' ? 'table' : 'files',
  patterns: [...patterns],
})

const datastoreOf = ({ source }: Dataset): string =>
  source.kind === 'datastore' ? source.datastore : ''

const unknown = (
  path: readonly string[],
  name: string,
  what: 'datastore' | 'dataset',
  known: readonly { readonly name: string }[] | undefined,
): Part<never> => {
  const names = [...new Set((known ?? []).map((one) => one.name))]
  const near = suggest(name, names).map((one) => `"${one}"`)
  const hint =
    near.length > 0
      ? `did you mean ${near.join(' or ')}?`
      : names.length === 0
        ? `none is yet; \`muster ${what} register\` adds one`
        : `there are ${names.slice(0, 8).join(', ')}; \`muster ${what} register\` adds one`
  return fault(path, `No ${what} "${name}" is registered: ${hint}`)
}
