import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asPeerId } from '#protocol/model/ids.ts'
import { createKeys, loadKeys } from '#agent/network/keys.ts'
import type { Identity } from '#agent/network/keys.ts'
import { newKey } from '#test/support/network-fixtures.ts'

const onWindows = process.platform === 'win32'
let home: string
let file: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'muster-keys-'))
  file = join(home, 'identity', 'key')
})
afterEach(() => rm(home, { recursive: true }))

const load = async (): Promise<Identity> => {
  const loaded = await loadKeys(file)
  if (!loaded.ok) throw new Error(loaded.error.message)
  return loaded.value
}

describe('the key file', () => {
  it('is made once, for its owner only, and read again', async () => {
    const first = await load()
    const second = await load()
    expect(second.keys.self).toBe(first.keys.self)
    expect(first.keys.self).toMatch(/^12D3KooW/)
    expect(second.notice).toBeUndefined()
    expect((await readFile(file)).length).toBe(68)
    expect(await readdir(join(home, 'identity'))).toEqual(['key'])
    if (!onWindows) expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it.skipIf(onWindows)('that others may read is closed to them, with a word', async () => {
    const first = await load()
    await chmod(file, 0o644)
    const second = await load()
    expect(second.keys.self).toBe(first.keys.self)
    expect(second.notice).toContain(file)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await load()).notice).toBeUndefined()
  })

  it('that is damaged is named', async () => {
    await load()
    for (const bytes of [new Uint8Array(), new Uint8Array(68), Buffer.from('not a key')]) {
      await writeFile(file, bytes)
      const loaded = await loadKeys(file)
      expect(loaded).toMatchObject({ ok: false, error: { code: 'StoreBroken' } })
      if (!loaded.ok) expect(loaded.error.message).toContain(file)
    }
  })

  it('of another kind of key is refused', async () => {
    const { privateKeyToProtobuf } = await import('@libp2p/crypto/keys')
    await mkdir(join(home, 'identity'))
    await writeFile(file, privateKeyToProtobuf(await generateKeyPair('secp256k1')))
    expect(await loadKeys(file)).toMatchObject({ ok: false, error: { code: 'StoreBroken' } })
  })

  it('whose folder cannot be made is named', async () => {
    await writeFile(join(home, 'identity'), 'a file where the folder should be')
    expect(await loadKeys(file)).toMatchObject({ ok: false, error: { code: 'HomeNotWritable' } })
  })
})

describe('keys', () => {
  it('verify what they signed, and nothing else', async () => {
    const [one, other] = await Promise.all([newKey(), newKey()])
    const keys = createKeys(one.privateKey)
    const bytes = Buffer.from('a segment')
    const signature = keys.sign(bytes)
    expect(keys.self).toBe(one.peer)
    expect(signature.length).toBe(64)
    const stranger = createKeys(other.privateKey)
    expect(stranger.verify(one.peer, bytes, signature)).toBe(true)
    expect(stranger.verify(one.peer, bytes, signature)).toBe(true)
    expect(stranger.verify(other.peer, bytes, signature)).toBe(false)
    expect(stranger.verify(one.peer, Buffer.from('another'), signature)).toBe(false)
    const bent = signature.slice()
    bent[5] = (bent[5] ?? 0) ^ 1
    expect(stranger.verify(one.peer, bytes, bent)).toBe(false)
  })

  it('sign as libp2p does', async () => {
    const { privateKey, peer } = await newKey()
    const bytes = Buffer.from('the same key')
    const signature = await privateKey.sign(bytes)
    expect(createKeys(privateKey).verify(peer, bytes, signature)).toBe(true)
    expect(await privateKey.publicKey.verify(bytes, createKeys(privateKey).sign(bytes))).toBe(true)
  })

  it('never throw on rubbish', async () => {
    const keys = createKeys((await newKey()).privateKey)
    const bytes = Buffer.from('x')
    for (const peer of [
      '',
      'rubbish',
      '12D3KooWrubbish',
      'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
    ])
      expect(keys.verify(asPeerId(peer), bytes, new Uint8Array(64))).toBe(false)
    for (const length of [0, 1, 63, 65])
      expect(keys.verify(keys.self, bytes, new Uint8Array(length))).toBe(false)
  })

  it('hash with SHA-256', async () => {
    const keys = createKeys((await newKey()).privateKey)
    expect(keys.sha256(Buffer.from('abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })
})
