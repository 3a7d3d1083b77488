import { once } from 'node:events'
import process from 'node:process'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import type { Keys } from '#agent/ports/keys.ts'
import {
  createTempFolder,
  createTestKeys,
  genesisOf,
  openTestStore,
  peerNamed,
} from '../support/ledger-fixtures.ts'

/** A founded store, and the threads it started so far, in their order. */
const setup = async (restMs: number) => {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await createTempFolder())
  const [keys] = createTestKeys('m') as [Keys]
  const threads: Worker[] = []
  const started = (worker: Worker): unknown => threads.push(worker)
  process.on('worker', started)
  stack.defer(() => void process.off('worker', started))
  const store = await openTestStore(folder.path, keys, { restMs })
  stack.defer(() => store[Symbol.asyncDispose]())
  await store.ledger.found(genesisOf(keys.self))
  return { store, threads, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** Until every thread has ended that was started. */
const allEnded = async (threads: readonly Worker[]): Promise<void> => {
  for (const thread of threads) if (thread.threadId !== -1) await once(thread, 'exit')
}

describe('threads of the store', () => {
  it('end when nobody asks, and start again with the next question', async () => {
    await using t = await setup(1)
    const { views } = t.store
    await allEnded(t.threads)
    const before = t.threads.length
    expect(await views.setting('color')).toBeUndefined()
    await views.setSetting('color', 'green')
    await allEnded(t.threads)
    expect(await views.setting('color')).toBe('green')
    expect(t.threads.length).toBeGreaterThanOrEqual(before + 3)
  })

  it('go on with the ledger where they ended', async () => {
    await using t = await setup(1)
    const { ledger } = t.store
    const kinds: string[] = []
    for (const at of [1, 2]) {
      await allEnded(t.threads)
      const added = await ledger.append([
        { kind: 'roles-changed', peer: peerNamed('z'), roles: ['work'], clock: at, at },
      ])
      expect(added.ok && added.value[0]?.records[0]?.header.sequence).toBe(at)
    }
    await allEnded(t.threads)
    expect(await ledger.missingFrom([], 1_000_000)).toHaveLength(3)
    for await (const record of ledger.replay(['cluster-created', 'roles-changed']))
      kinds.push(record.header.kind)
    expect(kinds).toEqual(['cluster-created', 'roles-changed', 'roles-changed'])
  })

  it('do in its order what was asked while they start, all of it in one of them', async () => {
    await using t = await setup(1)
    const { views } = t.store
    await allEnded(t.threads)
    const before = t.threads.length
    const names = Array.from({ length: 20 }, (_, i) => i)
    await Promise.all(names.map((name) => views.setSetting('last', name)))
    expect(t.threads).toHaveLength(before + 1)
    expect(await views.setting('last')).toBe(19)
  })

  it('stay ended if they broke while somebody waited', async () => {
    await using t = await setup(60_000)
    const { views } = t.store
    const [writer] = t.threads
    const asked = views.setSetting('color', 'green')
    await writer?.terminate()
    await expect(asked).rejects.toMatchObject({ error: { code: 'StoreBroken' } })
    await expect(views.setSetting('color', 'red')).rejects.toMatchObject({
      error: { code: 'StoreBroken' },
    })
    expect(t.threads).toHaveLength(2)
  })

  it('are not started again by a store that is closed', async () => {
    await using t = await setup(1)
    await allEnded(t.threads)
    await t.store[Symbol.asyncDispose]()
    const before = t.threads.length
    await expect(t.store.views.jobs(1)).rejects.toMatchObject({ error: { code: 'StoreBroken' } })
    expect(t.threads).toHaveLength(before)
  })
})
