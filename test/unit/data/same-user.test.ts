import { chmod, readdir, rename, symlink, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { expect, it } from 'vitest'
import { createSameUser } from '#agent/data/same-user.ts'
import { limits } from '#protocol/limits.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import { tempFolder } from './temp.ts'

const anna = asPeerId('12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo')
const ben = asPeerId('12D3KooWBMJsvCW7yXnR5Bqd4QiJB4WyU7z4ZhgDmzwRPGNhKn5s')

it('proves that two agents are the same user, by a nonce that only this user can read', async () => {
  await using a = await tempFolder()
  await using b = await tempFolder()
  const other = createSameUser({ home: b.path, self: ben })
  const { path, nonce } = await createSameUser({ home: a.path, self: anna }).offer()
  expect(path.startsWith(a.path)).toBe(true)
  expect(await other.check(anna, { path, nonce })).toBe(true)
  const changed = nonce.replace(/./, (c) => (c === '0' ? '1' : '0'))
  expect(await other.check(anna, { path, nonce: changed })).toBe(false)
  // A third agent may have been shown it and passes it on as its own.
  expect(await other.check(ben, { path, nonce })).toBe(false)
})

it('refuses everything else without reading or waiting', async () => {
  await using home = await tempFolder()
  const mine = createSameUser({ home: home.path, self: anna })
  const { path, nonce } = await mine.offer()
  expect(await mine.check(anna, { path: join(home.path, 'none.nonce'), nonce })).toBe(false)
  expect(await mine.check(anna, { path: '/dev/zero', nonce })).toBe(false)
  expect(await mine.check(anna, { path: 'same-user/x.nonce', nonce })).toBe(false)
  expect(await mine.check(anna, { path, nonce: '' })).toBe(false)
  expect(await mine.check(anna, { path: `${path}\0`, nonce })).toBe(false)
  await symlink(path, join(home.path, 'link.nonce'))
  expect(await mine.check(anna, { path: join(home.path, 'link.nonce'), nonce })).toBe(false)
  if (process.platform !== 'win32') {
    await chmod(path, 0o644)
    expect(await mine.check(anna, { path, nonce })).toBe(false)
    await chmod(path, 0o600)
  }
  expect(await mine.check(anna, { path, nonce })).toBe(true)
  await truncate(path, 10)
  expect(await mine.check(anna, { path, nonce })).toBe(false)
})

it('gives a fresh nonce each time and keeps only the newest files', async () => {
  await using home = await tempFolder()
  const mine = createSameUser({ home: home.path, self: anna })
  const nonces = new Set<string>()
  let last = { path: '', nonce: '' }
  for (let i = 0; i < limits.sameUserNonces + 10; i++) {
    last = await mine.offer()
    nonces.add(last.nonce)
  }
  expect(nonces.size).toBe(limits.sameUserNonces + 10)
  expect((await readdir(dirname(last.path))).length).toBe(limits.sameUserNonces)
  await rename(last.path, last.path)
  expect(await mine.check(anna, last)).toBe(true)
})
