import type { Clock } from '#agent/ports/clock.ts'
import type { DataFolders, Shares } from '#agent/ports/data.ts'
import type { KnownData } from '#agent/ports/job-file.ts'
import type { Planner } from '#agent/ports/plan.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Views } from '#agent/ports/views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Role } from '#protocol/model/member.ts'
import { defaultDatastore, placeBelow, placeOfSource } from '#protocol/model/registry.ts'
import type { Dataset, DatasetSource, Datastore, DataPlace } from '#protocol/model/registry.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { jobDefaults } from '#protocol/spec/job-file.ts'
import { refusalFor } from '../submit/submit.ts'

/** Names places and choices of data, for everybody in the cluster. */
export interface Registry {
  readonly registerDatastore: (wish: DatastoreWish) => Promise<Result<Datastore, MusterError>>
  /** The default one first. */
  readonly datastores: () => Promise<readonly Datastore[]>
  readonly datastore: (name: string) => Promise<Result<Datastore, MusterError>>
  readonly removeDatastore: (name: string) => Promise<Result<void, MusterError>>
  readonly registerDataset: (wish: DatasetWish) => Promise<Result<Dataset, MusterError>>
  /** `name` or `name:version`. */
  readonly dataset: (key: string) => Promise<Result<Dataset, MusterError>>
  /** What the names of data in a job file mean now. */
  readonly known: () => Promise<KnownData>
  /** Where a place lies on this very machine. */
  readonly rootHere: (place: DataPlace) => Promise<Result<string, MusterError>>
}

interface Words {
  readonly description: string
  readonly tags: Readonly<Record<string, string>>
}

export interface DatastoreWish extends Words {
  readonly name: string
  readonly path: string
  readonly share?: string
  readonly overwrite: boolean
}

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

export interface RegistryDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly ledger: Ledger
  readonly views: Views
  readonly folders: DataFolders
  readonly planner: Planner
  readonly shares: Shares
  /** What the owner of this machine mapped: share name -> folder. */
  readonly mappedShares: () => Readonly<Record<string, string>>
  readonly rolesOf: (peer: PeerId) => readonly Role[]
  readonly nameOf: (peer: PeerId) => string
}

export const createRegistry = (deps: RegistryDeps): Registry => ({
  registerDatastore: (wish) => registerDatastore(deps, wish),
  datastores: () => allDatastores(deps),
  datastore: (name) => findDatastore(deps, name),
  removeDatastore: (name) => removeDatastore(deps, name),
  registerDataset: (wish) => registerDataset(deps, wish),
  dataset: (key) => findDataset(deps, key),
  known: async () => ({
    self: deps.self,
    nameOf: deps.nameOf,
    datastores: await allDatastores(deps),
    datasets: await deps.views.datasets(),
    pools: (await deps.views.pools()).map(({ name }) => name),
  }),
  rootHere: (place) => rootHere(deps, place),
})

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/

const nameFault = (what: string, name: string): MusterError | undefined =>
  namePattern.test(name)
    ? undefined
    : musterError(
        'RequestInvalid',
        `"${name}" cannot name a ${what}: use 1 to 64 letters, digits, _, - and dots, a letter or digit first.`,
      )

const registerDatastore = async (
  deps: RegistryDeps,
  wish: DatastoreWish,
): Promise<Result<Datastore, MusterError>> => {
  const refusal =
    refusalFor(deps, 'submit', 'register datastores') ?? nameFault('datastore', wish.name)
  if (refusal !== undefined) return err(refusal)
  if (wish.name === defaultDatastore)
    return err(
      musterError(
        'NameTaken',
        `"${defaultDatastore}" is the datastore that every agent has in its home: choose another name.`,
      ),
    )
  const taken = (await deps.views.datastores()).find(({ name }) => name === wish.name)
  if (taken !== undefined && !wish.overwrite)
    return err(
      musterError(
        'NameTaken',
        `The datastore "${wish.name}" is ${placeText(taken.place, deps.nameOf)} already; choose another name, or replace it (\`--overwrite\`, in a program \`overwrite: true\`).`,
      ),
    )
  const place = await placeOf(deps, wish)
  if (!place.ok) return place
  const datastore: Datastore = {
    ...(await registered(deps, 'datastore', wish)),
    place: place.value,
  }
  const added = await deps.ledger.append([{ kind: 'datastore-registered', datastore }])
  return added.ok ? ok(datastore) : added
}

const registered = async (
  { self, clock, views }: RegistryDeps,
  kind: 'datastore' | 'dataset',
  { name, description, tags }: Words & { readonly name: string },
) => ({
  name,
  version: (await views.highestVersion(kind, name)) + 1,
  description,
  tags,
  registeredBy: self,
  registeredAt: clock.now(),
})

/** A folder must be there; a share may be mapped on other machines only. */
const placeOf = async (
  { self, folders }: RegistryDeps,
  { path, share }: { readonly path: string; readonly share?: string },
): Promise<Result<DataPlace, MusterError>> => {
  if (share !== undefined) {
    const below = belowPlace(path)
    return below === undefined
      ? err(leadsOut(path, `the share "${share}"`))
      : ok({ kind: 'share', share, path: below })
  }
  const real = await folders.check(path)
  return real.ok ? ok({ kind: 'folder', peer: self, path: real.value }) : real
}

/** A path below a place without `.` and doubled slashes; undefined if it leads out of it. */
export const belowPlace = (path: string): string | undefined => {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  const isForeign = /^[/~]|\\|^[A-Za-z]:|\0/.test(path) || parts.includes('..')
  return isForeign ? undefined : parts.join('/')
}

const leadsOut = (path: string, what: string): MusterError =>
  musterError(
    'RequestInvalid',
    `"${path}" must be a path below ${what}, such as "2026/july" or ".".`,
  )

/** Where a place lies, in a sentence. */
export const placeText = (place: DataPlace, nameOf: (peer: PeerId) => string): string =>
  place.kind === 'share'
    ? `"${place.path || '.'}" in the share "${place.share}"`
    : `${place.path} on ${nameOf(place.peer)}`

const allDatastores = async (deps: RegistryDeps): Promise<readonly Datastore[]> => [
  {
    name: defaultDatastore,
    version: 1,
    description: 'A folder in the home of Muster',
    tags: {},
    registeredBy: deps.self,
    registeredAt: 0,
    place: { kind: 'folder', peer: deps.self, path: await deps.folders.own() },
  },
  ...(await deps.views.datastores()),
]

const findDatastore = async (
  deps: RegistryDeps,
  name: string,
): Promise<Result<Datastore, MusterError>> => {
  const all = await allDatastores(deps)
  const found = all.find((one) => one.name === name)
  if (found !== undefined) return ok(found)
  const known = all.map((one) => one.name).slice(0, 8)
  return err(
    musterError(
      'DataUnknown',
      `No datastore "${name}" is registered; there are ${known.join(', ')}. Register it with \`muster datastore register ${name} --path FOLDER\`.`,
    ),
  )
}

const removeDatastore = async (
  deps: RegistryDeps,
  name: string,
): Promise<Result<void, MusterError>> => {
  const refusal = refusalFor(deps, 'submit', 'remove datastores')
  if (refusal !== undefined) return err(refusal)
  const found = await findDatastore(deps, name)
  if (!found.ok) return found
  if (name === defaultDatastore)
    return err(
      musterError('Forbidden', 'The default datastore is always there: it cannot be removed.'),
    )
  const { registeredBy, version } = found.value
  if (registeredBy !== deps.self && !deps.rolesOf(deps.self).includes('admin'))
    return err(
      musterError(
        'RoleMissing',
        `${deps.nameOf(registeredBy)} registered the datastore "${name}": only that machine or an admin may remove it.`,
      ),
    )
  const at = deps.clock.now()
  const added = await deps.ledger.append([{ kind: 'datastore-removed', name, version, at }])
  return added.ok ? ok(undefined) : added
}

const registerDataset = async (
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

/** Where a place lies on this very machine. */
const rootHere = async (
  { self, shares, mappedShares, nameOf }: RegistryDeps,
  place: DataPlace,
): Promise<Result<string, MusterError>> => {
  if (place.kind === 'folder') {
    if (place.peer === self) return ok(place.path)
    const machine = nameOf(place.peer)
    return err(
      musterError(
        'InputMissing',
        `${place.path} is on ${machine}: only that machine can look into it.`,
      ),
    )
  }
  const mapped = mappedShares()
  const folder = Object.hasOwn(mapped, place.share) ? mapped[place.share] : undefined
  if (folder !== undefined) return shares.resolve(folder, { name: place.share, path: place.path })
  return err(
    musterError(
      'InputMissing',
      `The share "${place.share}" is not mapped on this machine; map it with \`muster settings set share.${place.share} FOLDER\`.`,
    ),
  )
}

const findDataset = async (
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
