import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { defaultDatastore } from '#protocol/model/registry.ts'
import type { Datastore } from '#protocol/model/registry.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { refusalFor } from '../../submit/submit.ts'
import { nameFault, placeOf, placeText, registered } from './registering.ts'
import type { RegistryDeps, Words } from './registering.ts'

export interface DatastoreWish extends Words {
  readonly name: string
  readonly path: string
  readonly share?: string
  readonly overwrite: boolean
}

export const registerDatastore = async (
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

export const allDatastores = async (deps: RegistryDeps): Promise<readonly Datastore[]> => [
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

export const findDatastore = async (
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

export const removeDatastore = async (
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
