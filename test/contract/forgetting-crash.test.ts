import { fork } from 'node:child_process'
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { once } from 'node:events'
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { expect, it } from 'vitest'
import type { Keys } from '#agent/ports/keys.ts'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { until } from '../../tools/agents.ts'
import { linesOf, packChunk } from '../support/chunks.ts'
import {
  blobNamed,
  createTempFolder,
  genesisOf,
  groupOf,
  jobNumbered,
  jobOf,
  openTestStore,
  peerNamed,
  planOf,
  sha256,
} from '../support/ledger-fixtures.ts'

const [job, other] = [jobNumbered(1), jobNumbered(2)]
const [miniBatches, perMiniBatch] = [45, 1_000]
const child = fileURLToPath(new URL('./forgetting-crash-child.ts', import.meta.url))

const createKeys = () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const publicKey = createPublicKey(createPrivateKey(key))
  const keys: Keys = {
    self: peerNamed('k'),
    sign: (bytes) => sign(null, bytes, privateKey),
    verify: (_, bytes, signature) => verify(null, bytes, publicKey, signature),
    sha256,
  }
  return { key, keys }
}

/** A closed store with a job of many rows, and one of a few beside it. */
const fill = async (folder: string, keys: Keys): Promise<void> => {
  await using store = await openTestStore(folder, keys)
  const { self } = keys
  await store.ledger.found(genesisOf(self))
  for (const [id, count] of [
    [job, miniBatches],
    [other, 1],
  ] as const) {
    const entries = Array.from({ length: count }, (_, miniBatch) => {
      const items = Array.from(
        { length: perMiniBatch },
        (_none, at) => miniBatch * perMiniBatch + at,
      )
      const word = id === job ? 'secret' : 'public'
      const names = items.map((item) => `${word}-${item}.png`)
      const lines = linesOf(items.map((item) => JSON.stringify(`${word} ${item}`)))
      return { miniBatch, attempt: 1, items, names, lines, failures: [] }
    })
    const packed = packChunk({ job: id, peer: self, entries })
    const chunk = blobNamed(sha256(packed))
    const positions = entries.map(({ miniBatch }) => miniBatch)
    const added = await store.ledger.append([
      { kind: 'job-submitted', job: jobOf(id, self) },
      { ...planOf(id, count, perMiniBatch), blob: blobNamed(`plan of ${id}`) },
      {
        kind: 'committed',
        job: id,
        term: { number: 1, head: self },
        groups: [groupOf(self, chunk, positions, perMiniBatch)],
        at: 20,
      },
    ])
    if (!added.ok) throw new MusterFailure(added.error)
    await store.views.keepRows({ chunk, job: id, peer: self, positions, packed })
  }
}

/** Starts a child that has the job forgotten, and kills it so long after it said a word. */
const forgetAndKill = async (
  folder: string,
  key: string,
  { word, afterMs }: { readonly word: string; readonly afterMs: number },
): Promise<void> => {
  const running = fork(child, [folder, key], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const ended = once(running, 'exit')
  for await (const line of createInterface({ input: running.stdout! })) {
    if (line !== word) continue
    await wait(afterMs)
    running.kill('SIGKILL')
  }
  await ended
  expect(running.signalCode).toBe('SIGKILL')
}

/** Rows in the file, whoever may see them. */
const rowsIn = (file: string): number => {
  const db = new Database(file)
  try {
    return Number(db.prepare('SELECT count(*) FROM row').pluck().get())
  } finally {
    db.close()
  }
}

const allDeleted = (file: string): Promise<void> =>
  until('all rows are deleted', () => Promise.resolve(rowsIn(file) === perMiniBatch))

const wordsIn = async (file: string): Promise<Buffer> => {
  const parts = ['', '-wal'].map((ending) => readFile(file + ending).catch(() => Buffer.of()))
  return Buffer.concat(await Promise.all(parts))
}

const kills = [
  { word: 'begun', afterMs: 0 },
  { word: 'begun', afterMs: 20 },
  { word: 'forgotten', afterMs: 0 },
  { word: 'forgotten', afterMs: 20 },
] as const

it('a job of many rows whose forgetting is killed is there whole or not at all, and goes to the last row', async () => {
  await using filled = await createTempFolder()
  const { key, keys } = createKeys()
  await fill(filled.path, keys)
  const digests = new Set<string>()
  for (const kill of kills) {
    await using folder = await createTempFolder()
    await cp(filled.path, folder.path, { recursive: true })
    await forgetAndKill(folder.path, key, kill)
    const file = join(folder.path, 'muster.db')
    const before = rowsIn(file)
    {
      await using store = await openTestStore(folder.path, keys)
      const { views } = store
      const isForgotten = (await views.job(job))?.forgotten !== undefined
      if (kill.word === 'forgotten') expect(isForgotten).toBe(true)
      const rows = isForgotten ? 0 : miniBatches * perMiniBatch
      if (!isForgotten) expect(before).toBe(rows + perMiniBatch)
      const shown = async () => ({
        rows: (await views.rows({ job, limit: 3 })).total,
        here: (await views.job(job))?.rowsHere,
        taken: (await views.rowsOfItems(job, 0, perMiniBatch)).miniBatches.length,
        beside: (await views.rows({ job: other, limit: 3 })).total,
      })
      const due = { rows, here: rows, taken: isForgotten ? 0 : 1, beside: perMiniBatch }
      expect(await shown()).toEqual(due)
      await views.rebuild()
      expect(await shown()).toEqual(due)
      await views.setSetting('color', 'green')
      if (!isForgotten) continue
      digests.add(await views.digest())
      await allDeleted(file)
      // Behind the last step a store of this size is written anew.
      await until('its words are gone', async () => !(await wordsIn(file)).includes('secret'))
    }
  }
  expect(digests.size).toBe(1)
}, 120_000)

it('a job of many rows loses them in steps, between which others write', async () => {
  await using folder = await createTempFolder()
  const { keys } = createKeys()
  await fill(folder.path, keys)
  const file = join(folder.path, 'muster.db')
  await using store = await openTestStore(folder.path, keys)
  const sums = {
    items: 45_000,
    itemsSucceeded: 45_000,
    itemsFailed: 0,
    miniBatches: 45,
    committed: 45,
    failedMiniBatches: 0,
  }
  const left: number[] = []
  let written: Promise<void> | undefined
  using _ = store.ledger.onAdded(() => {
    left.push(rowsIn(file))
    written = store.views.setSetting('color', 'green').then(() => void left.push(rowsIn(file)))
  })
  const forgotten = {
    kind: 'job-forgotten',
    job,
    state: 'Completed',
    endedAt: 70,
    sums,
    at: 90,
  } as const
  expect(await store.ledger.append([forgotten])).toMatchObject({ ok: true })
  await written
  // The wish itself, and one step that may have begun behind it; then the write, and one more step.
  const all = (miniBatches + 1) * perMiniBatch
  expect(left[0]).toBeGreaterThanOrEqual(all - 2 * limits.forgottenRows)
  expect(left[1]).toBeGreaterThanOrEqual(all - 3 * limits.forgottenRows)
  await allDeleted(file)
})
