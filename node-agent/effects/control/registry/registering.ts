import type { Clock } from '#agent/ports/clock.ts'
import type { DataFolders, Shares } from '#agent/ports/data.ts'
import type { Planner } from '#agent/ports/plan.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Views } from '#agent/ports/views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Role } from '#protocol/model/member.ts'
import { belowPlace } from '#protocol/model/registry.ts'
import type { DataPlace } from '#protocol/model/registry.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

export interface Words {
  readonly description: string
  readonly tags: Readonly<Record<string, string>>
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

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/

export const nameFault = (what: string, name: string): MusterError | undefined =>
  namePattern.test(name)
    ? undefined
    : musterError(
        'RequestInvalid',
        `"${name}" cannot name a ${what}: use 1 to 64 letters, digits, _, - and dots, a letter or digit first.`,
      )

export const registered = async (
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
export const placeOf = async (
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

export const leadsOut = (path: string, what: string): MusterError =>
  musterError(
    'RequestInvalid',
    `"${path}" must be a path below ${what}, such as "2026/july" or ".".`,
  )

/** Where a place lies, in a sentence. */
export const placeText = (place: DataPlace, nameOf: (peer: PeerId) => string): string =>
  place.kind === 'share'
    ? `"${place.path || '.'}" in the share "${place.share}"`
    : `${place.path} on ${nameOf(place.peer)}`

/** Where a place lies on this very machine. */
export const rootHere = async (
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
