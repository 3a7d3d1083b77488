import { fork } from 'node:child_process'
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { once } from 'node:events'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createLedgerRules } from '#agent/ledger/rules.ts'
import type { Keys } from '#agent/ports/keys.ts'
import { openStore } from '#agent/store/store.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import {
  createTempFolder,
  createTestKeys,
  genesisOf,
  jobNumbered,
  openTestStore,
  peerNamed,
  quietLog,
  sha256,
} from '../support/ledger-fixtures.ts'

const child = fileURLToPath(new URL('./ledger-crash-child.ts', import.meta.url))

/** Starts a child that appends, kills it after `count` acknowledgements, gives the last one. */
const appendAndKill = async (folder: string, key: string, count: number): Promise<number> => {
  const running = fork(child, [folder, key], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  let last = -1
  let lines = 0
  for await (const line of createInterface({ input: running.stdout! })) {
    last = Math.max(last, Number(line))
    lines += 1
    if (lines === count) running.kill('SIGKILL')
  }
  if (running.exitCode === null && running.signalCode === null) await once(running, 'exit')
  expect(running.signalCode).toBe('SIGKILL')
  return last
}

describe('a store whose process is killed', () => {
  it('has an unbroken chain with everything that was acknowledged', async () => {
    await using folder = await createTempFolder()
    const { privateKey } = generateKeyPairSync('ed25519')
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
    const publicKey = createPublicKey(createPrivateKey(key))
    const keys: Keys = {
      self: peerNamed('k'),
      sign: (bytes) => sign(null, bytes, privateKey),
      verify: (_, bytes, signature) => verify(null, bytes, publicKey, signature),
      sha256,
    }
    for (const count of [1, 40, 7, 90]) {
      const acknowledged = await appendAndKill(folder.path, key, count)
      await using copy = await createTempFolder()
      await using store = await openTestStore(folder.path, keys)
      const held = store.ledger.vector()[0]?.sequence ?? -1
      expect(held).toBeGreaterThanOrEqual(acknowledged)
      expect((await store.views.commits(jobNumbered(1))).length).toBe(held * 50)
      // Another member verifies the whole chain, record by record.
      await using other = await openTestStore(copy.path, { ...keys, self: peerNamed('z') })
      await other.ledger.adopt(store.ledger.cluster()!)
      for (const segment of await store.ledger.missingFrom([], 1e9)) {
        expect((await other.ledger.ingest(segment)).kind).toBe('stored')
      }
      expect(other.ledger.vector()).toEqual(store.ledger.vector())
      expect(await other.views.digest()).toBe(await store.views.digest())
    }
  }, 120_000)
})

const note = (at: number): RecordBody => ({
  kind: 'job-cancel-requested',
  job: jobNumbered(at),
  at,
})

describe('a store in trouble', () => {
  it('says that the disk is full, keeps what it had, and goes on when there is room', async () => {
    await using folder = await createTempFolder()
    const [keys] = createTestKeys('f') as [Keys]
    const empty = await openTestStore(folder.path, keys)
    await empty.ledger.found(genesisOf(keys.self))
    await empty[Symbol.asyncDispose]()
    const { size } = await stat(join(folder.path, 'muster.db'))
    const full = await openTestStore(folder.path, keys, { maxBytes: size + 64 * 1_024 })
    let written = 0
    let failure
    while (failure === undefined && written < 100_000) {
      const bodies = Array.from({ length: 100 }, (_, at) => note(written + at))
      const added = await full.ledger.append(bodies)
      if (added.ok) written += 100
      else failure = added.error
    }
    expect(failure).toMatchObject({ code: 'DiskFull', retryable: true })
    expect(failure?.message).toMatch(/^The disk that holds the store .*muster\.db is full: .*\.$/)
    const held = full.ledger.vector()
    expect(held[0]?.sequence).toBe(written)
    const all = Promise.all([
      full.ledger.append([...Array(300)].map((_, at) => note(at))),
      full.ledger.append([...Array(300)].map((_, at) => note(at))),
    ])
    expect((await all).map((added) => (added.ok ? '' : added.error.code))).toEqual([
      'DiskFull',
      'DiskFull',
    ])
    expect(full.ledger.vector()).toEqual(held)
    const digest = await full.views.digest()
    await full[Symbol.asyncDispose]()

    await using roomy = await openTestStore(folder.path, keys)
    expect(roomy.ledger.vector()).toEqual(held)
    expect(await roomy.views.digest()).toBe(digest)
    expect((await roomy.ledger.append([note(1)])).ok).toBe(true)
  })

  it('names a damaged file and touches nothing', async () => {
    await using folder = await createTempFolder()
    const [keys] = createTestKeys('f') as [Keys]
    const before = await openTestStore(folder.path, keys)
    await before.ledger.found(genesisOf(keys.self))
    await before[Symbol.asyncDispose]()
    const file = join(folder.path, 'muster.db')
    const handle = await open(file, 'r+')
    await handle.write(Buffer.alloc(4_096, 7), 0, 4_096, 0)
    await handle.close()
    const opened = await openStore({
      folder: folder.path,
      keys,
      rules: createLedgerRules(keys),
      log: quietLog,
    })
    expect(opened.ok ? '' : opened.error.code).toBe('StoreBroken')
    expect(opened.ok ? '' : opened.error.message).toContain(file)
    expect((await stat(file)).size).toBeGreaterThan(4_096)
  })

  it('says what is wrong with a page that went bad while it runs', async () => {
    await using folder = await createTempFolder()
    const [keys] = createTestKeys('f') as [Keys]
    const before = await openTestStore(folder.path, keys)
    await before.ledger.found(genesisOf(keys.self))
    for (let at = 0; at < 20; at += 1) {
      await before.ledger.append(Array.from({ length: 50 }, (_, of) => note(50 * at + of)))
    }
    await before[Symbol.asyncDispose]()
    const file = join(folder.path, 'muster.db')
    const handle = await open(file, 'r+')
    const { size } = await handle.stat()
    for (let at = 8_192; at < size; at += 4_096)
      await handle.write(Buffer.alloc(4_096, 9), 0, 4_096, at)
    await handle.close()
    const opened = await openStore({
      folder: folder.path,
      keys,
      rules: createLedgerRules(keys),
      log: quietLog,
    })
    expect(opened.ok ? '' : opened.error.code).toBe('StoreBroken')
  })

  it('refuses a file of a newer Muster, and a folder it cannot write', async () => {
    await using folder = await createTempFolder()
    const [keys] = createTestKeys('f') as [Keys]
    const { default: Database } = await import('better-sqlite3')
    const db = new Database(join(folder.path, 'muster.db'))
    db.pragma('user_version = 99')
    db.close()
    const rules = createLedgerRules(keys)
    const newer = await openStore({ folder: folder.path, keys, rules, log: quietLog })
    expect(newer.ok ? '' : newer.error.message).toContain('was written by a newer Muster')
    const nowhere = join(folder.path, 'muster.db', 'home')
    const blocked = await openStore({ folder: nowhere, keys, rules, log: quietLog })
    expect(blocked.ok ? '' : blocked.error.code).toBe('HomeNotWritable')
  })

  it('takes nothing after it was closed, finishes what was begun, and leaves one file', async () => {
    await using folder = await createTempFolder()
    const [keys] = createTestKeys('f') as [Keys]
    const store = await openTestStore(folder.path, keys)
    await store.ledger.found(genesisOf(keys.self))
    const last = store.ledger.append([note(1)])
    await store[Symbol.asyncDispose]()
    expect((await last).ok).toBe(true)
    const late = await store.ledger.append([note(2)])
    expect(late.ok ? '' : late.error.code).toBe('Aborted')
    await expect(store.views.jobs(1)).rejects.toMatchObject({ error: { code: 'StoreBroken' } })
    await store[Symbol.asyncDispose]()
    expect(await readdir(folder.path)).toEqual(['muster.db'])
    await using again = await openTestStore(folder.path, keys)
    expect(again.ledger.vector()[0]?.sequence).toBe(1)
  })
})
