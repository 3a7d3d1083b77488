import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import {
  belowPlace,
  defaultDatastore,
  placeBelow,
  placeOfSource,
} from '#protocol/model/registry.ts'
import type { Dataset, DatasetSource } from '#protocol/model/registry.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { jobDefaults } from '#protocol/spec/job-file.ts'
import { refusalFor } from '../../submit/submit.ts'
import { allDatastores, findDatastore } from './datastores.ts'
import { leadsOut, nameFault, placeOf, registered, rootHere } from './registering.ts'
import type { RegistryDeps, Words } from './registering.ts'

export interface DatasetWish extends Words {
  readonly name: string
  readonly type: Dataset['type']
  readonly path: string
  readonly share?: string
  readonly datastore?: string
  readonly patterns?: readonly string[]
  readonly options: Dataset['options']
  readonly validate: boolean
}

export const registerDataset = async (
  deps: RegistryDeps,
  wish: DatasetWish,
): Promise<Result<Dataset, MusterError>> => {
  const refusal = refusalFor(deps, 'submit', 'register datasets') ?? nameFault('dataset', wish.name)
  if (refusal !== undefined) return err(refusal)
  const source = await sourceOf(deps, wish)
  if (!source.ok) return source
  const dataset: Dataset = {
    ...(await registered(deps, 'dataset', wish)),
    type: wish.type,
    source: source.value,
    patterns: wish.patterns ?? [jobDefaults.pattern],
    options: wish.options,
  }
  if (wish.validate) {
    const checked = await validate(deps, dataset)
    if (!checked.ok) return checked
  }
  const newest = await deps.views.dataset(wish.name)
  if (newest !== undefined && isSame(newest, dataset) && wish.description === '') return ok(newest)
  const added = await deps.ledger.append([{ kind: 'dataset-registered', dataset }])
  return added.ok ? ok(dataset) : added
}

const isSame = (a: Dataset, b: Dataset): boolean =>
  JSON.stringify([a.type, a.source, a.patterns, a.options, a.tags]) ===
  JSON.stringify([b.type, b.source, b.patterns, b.options, b.tags])

const sourceOf = async (
  deps: RegistryDeps,
  wish: DatasetWish,
): Promise<Result<DatasetSource, MusterError>> => {
  const { datastore, path } = wish
  if (datastore === undefined) return placeOf(deps, wish)
  const found = await findDatastore(deps, datastore)
  if (!found.ok) return found
  // Its own default datastore means something else to every machine: the folder itself is meant.
  const below = belowPlace(path)
  if (below === undefined) return err(leadsOut(path, `the datastore "${datastore}"`))
  if (datastore !== defaultDatastore) return ok({ kind: 'datastore', datastore, path: below })
  return ok(placeBelow(found.value.place, below))
}

/** Looks for the first file now; only a machine that can open the place can. */
const validate = async (
  deps: RegistryDeps,
  { name, source, patterns }: Dataset,
): Promise<Result<void, MusterError>> => {
  const place = placeOfSource(source, await allDatastores(deps))
  if (place === undefined) return ok(undefined)
  const root = await rootHere(deps, place)
  return root.ok
    ? deps.planner.check({ kind: 'files', name, root: root.value, patterns }, [])
    : root
}

export const findDataset = async (
  { views }: RegistryDeps,
  key: string,
): Promise<Result<Dataset, MusterError>> => {
  const [name = '', version] = key.split(':')
  const found = await views.dataset(name, version === undefined ? undefined : Number(version))
  if (found !== undefined) return ok(found)
  const known = [...new Set((await views.datasets()).map((one) => one.name))].slice(0, 8)
  const there = known.length === 0 ? 'none is yet' : `there are ${known.join(', ')}`
  return err(
    musterError(
      'DataUnknown',
      `No dataset "${key}" is registered; ${there}. Register it with \`muster dataset register ${name} --path FOLDER\`.`,
    ),
  )
}
