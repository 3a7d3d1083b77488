import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createDataFolders } from '#agent/data/data-folders.ts'
import { createPlanner } from '#agent/data/plan/planner.ts'
import { createShares } from '#agent/data/shares.ts'
import { createRegistry } from '#agent/effects/control/registry/registry.ts'
import type { DatasetWish } from '#agent/effects/control/registry/datasets.ts'
import { createSystemClock } from '#agent/host/system-clock.ts'
import type { Keys } from '#agent/ports/keys.ts'
import type { Role } from '#protocol/model/member.ts'
import { placeBelow } from '#protocol/model/registry.ts'
import {
  createTempFolder,
  createTestKeys,
  genesisOf,
  openTestStore,
} from '../support/ledger-fixtures.ts'

const words = { description: '', tags: {} }
const wishOf = (change: Partial<DatasetWish> & { readonly path: string }): DatasetWish => ({
  name: 'july',
  type: 'file',
  options: {},
  validate: false,
  ...words,
  ...change,
})

/** A registry over a real store, and a folder with one picture. */
const setup = async (roles: readonly Role[] = ['submit']) => {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await createTempFolder())
  const [keys, other] = createTestKeys('mn') as [Keys, Keys]
  const store = stack.use(await openTestStore(join(folder.path, 'home'), keys))
  await store.ledger.found(genesisOf(keys.self))
  const data = join(folder.path, 'data')
  await mkdir(join(data, 'july'), { recursive: true })
  await writeFile(join(data, 'july/a.png'), 'a')
  const mapped: Record<string, string> = {}
  const registry = createRegistry({
    self: keys.self,
    clock: createSystemClock(),
    ledger: store.ledger,
    views: store.views,
    folders: createDataFolders(join(folder.path, 'own')),
    planner: createPlanner(),
    shares: createShares(),
    mappedShares: () => mapped,
    rolesOf: () => roles,
    nameOf: (peer) => (peer === keys.self ? 'anna' : 'ben'),
  })
  return {
    registry,
    mapped,
    data,
    own: join(folder.path, 'own'),
    self: keys.self,
    other: other.self,
    append: store.ledger.append,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const value = <T>(
  result: { ok: true; value: T } | { ok: false; error: { message: string } },
): T => {
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}
const told = (result: { readonly ok: boolean; readonly error?: { readonly message: string } }) =>
  result.ok ? 'accepted' : result.error?.message

describe('datastores', () => {
  it('are named once, unless they are overwritten; the default one is always there', async () => {
    await using t = await setup()
    const { registry, data } = t
    expect((await registry.datastores()).map(({ name, place }) => [name, place.path])).toEqual([
      ['default', t.own],
    ])
    const scans = { name: 'scans', path: data, overwrite: false, ...words }
    expect(value(await registry.registerDatastore(scans))).toMatchObject({
      version: 1,
      place: { kind: 'folder', peer: t.self, path: data },
    })
    expect(told(await registry.registerDatastore(scans))).toBe(
      `The datastore "scans" is ${data} on anna already; choose another name, or replace it (\`--overwrite\`, in a program \`overwrite: true\`).`,
    )
    const july = { ...scans, path: join(data, 'july'), overwrite: true }
    expect(value(await registry.registerDatastore(july)).version).toBe(2)
    expect(value(await registry.datastore('scans')).place.path).toBe(join(data, 'july'))
    expect(told(await registry.registerDatastore({ ...scans, name: 'default' }))).toMatch(
      /^"default" is the datastore that every agent has/,
    )
  })

  it('keep their description and their tags', async () => {
    await using t = await setup()
    const written = { description: 'Scans of July', tags: { room: '2' } }
    const wish = { name: 'scans', path: t.data, overwrite: false, ...written }
    value(await t.registry.registerDatastore(wish))
    expect(value(await t.registry.datastore('scans'))).toMatchObject(written)
    value(await t.registry.registerDataset(wishOf({ path: t.data, ...written })))
    expect(value(await t.registry.dataset('july'))).toMatchObject(written)
  })

  it('are removed by who registered them or by an admin, and may come again', async () => {
    await using t = await setup()
    const place = { kind: 'folder', peer: t.other, path: '/scans' } as const
    const scans = { name: 'scans', path: t.data, overwrite: false, ...words }
    value(await t.registry.registerDatastore(scans))
    value(await t.registry.removeDatastore('scans'))
    expect(told(await t.registry.datastore('scans'))).toBe(
      'No datastore "scans" is registered; there are default. Register it with `muster datastore register scans --path FOLDER`.',
    )
    expect(value(await t.registry.registerDatastore(scans)).version).toBe(2)
    expect(told(await t.registry.removeDatastore('default'))).toMatch(/^The default datastore/)
    expect(told(await t.registry.removeDatastore('none'))).toMatch(/^No datastore "none"/)
    expect(placeBelow(place, 'a/b').path).toBe('/scans/a/b')
  })

  it.each([
    ['a b', '.', undefined, '"a b" cannot name a datastore'],
    ['scans', 'july', undefined, '"july" is a relative path'],
    ['scans', '/nowhere/at/all', undefined, 'The folder /nowhere/at/all is not on this machine'],
    ['scans', '../up', 'office', '"../up" must be a path below the share "office"'],
    ['scans', '/abs', 'office', '"/abs" must be a path below the share "office"'],
  ])('%j at %j (share %j) is refused', async (name, path, share, words_) => {
    await using t = await setup()
    const wish = {
      name,
      path,
      overwrite: false,
      ...words,
      ...(share === undefined ? {} : { share }),
    }
    expect(told(await t.registry.registerDatastore(wish))).toContain(words_)
  })

  it('need the role submit', async () => {
    await using t = await setup(['work'])
    const wish = { name: 'scans', path: t.data, overwrite: false, ...words }
    expect(told(await t.registry.registerDatastore(wish))).toMatch(/lacks the role "submit"/)
  })
})

describe('datasets', () => {
  it('count versions; the same again is the same version', async () => {
    await using t = await setup()
    const { registry, data } = t
    expect(value(await registry.registerDataset(wishOf({ path: data }))).version).toBe(1)
    expect(value(await registry.registerDataset(wishOf({ path: data }))).version).toBe(1)
    const png = wishOf({ path: data, patterns: ['*.png'] })
    expect(value(await registry.registerDataset(png)).version).toBe(2)
    expect(value(await registry.dataset('july')).patterns).toEqual(['*.png'])
    expect(value(await registry.dataset('july:1')).patterns).toEqual(['**/*'])
    expect(told(await registry.dataset('july:3'))).toMatch(
      /^No dataset "july:3" is registered; there are july\./,
    )
  })

  it('lie in a datastore as it is when they are used, or in the folder of the default one', async () => {
    await using t = await setup()
    const { registry, data } = t
    value(
      await registry.registerDatastore({ name: 'scans', path: data, overwrite: false, ...words }),
    )
    const inScans = wishOf({ datastore: 'scans', path: 'july/', validate: true })
    expect(value(await registry.registerDataset(inScans)).source).toEqual({
      kind: 'datastore',
      datastore: 'scans',
      path: 'july',
    })
    const inDefault = wishOf({ name: 'mine', datastore: 'default', path: 'x' })
    expect(value(await registry.registerDataset(inDefault)).source).toEqual({
      kind: 'folder',
      peer: t.self,
      path: join(t.own, 'x'),
    })
    expect(told(await registry.registerDataset(wishOf({ datastore: 'none', path: '.' })))).toMatch(
      /^No datastore "none" is registered; there are default, scans\./,
    )
    expect(
      told(await registry.registerDataset(wishOf({ datastore: 'scans', path: '../x' }))),
    ).toMatch(/^"\.\.\/x" must be a path below the datastore "scans"/)
  })

  it('are validated now if asked, from this machine', async () => {
    await using t = await setup()
    const { registry, data, mapped } = t
    const empty = wishOf({ path: data, patterns: ['*.jpg'] })
    expect(value(await registry.registerDataset(empty)).version).toBe(1)
    expect(told(await registry.registerDataset({ ...empty, validate: true }))).toMatch(
      /no file|no item/i,
    )
    const shared = wishOf({ name: 'shared', path: '.', share: 'office', validate: true })
    expect(told(await registry.registerDataset(shared))).toMatch(
      /^The share "office" is not mapped on this machine/,
    )
    mapped['office'] = data
    expect(told(await registry.registerDataset(shared))).toBe('accepted')
    const far = {
      kind: 'datastore-registered',
      datastore: {
        ...words,
        name: 'far',
        version: 1,
        registeredBy: t.self,
        registeredAt: 1,
        place: { kind: 'folder', peer: t.other, path: '/scans' },
      },
    } as const
    value(await t.append([far]))
    const there = wishOf({ name: 'there', datastore: 'far', path: 'a', validate: true })
    expect(told(await registry.registerDataset(there))).toBe(
      '/scans/a is on ben: only that machine can look into it.',
    )
  })
})
