import type { KnownData } from '#agent/ports/job-file.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { Dataset, Datastore, DataPlace } from '#protocol/model/registry.ts'
import type { Result } from '#protocol/model/result.ts'
import { findDataset, registerDataset } from './datasets.ts'
import type { DatasetWish } from './datasets.ts'
import { allDatastores, findDatastore, registerDatastore, removeDatastore } from './datastores.ts'
import type { DatastoreWish } from './datastores.ts'
import { rootHere } from './registering.ts'
import type { RegistryDeps } from './registering.ts'

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
