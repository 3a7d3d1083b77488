import { expect, test } from 'vitest'
import { createMemoryBook } from '#agent/effects/worker/memory-book.ts'
import type { MemoryBook } from '#agent/effects/worker/memory-book.ts'
import { memoryKindText } from '#agent/job/memory-kind.ts'
import type { Clock } from '#agent/ports/clock.ts'
import { limits } from '#protocol/limits.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import type { Job, JobSpecBase } from '#protocol/model/job.ts'
import { createJob, jobId } from '#test/simulation/jobs.ts'
import { quietLog } from '../../support/ledger-fixtures.ts'

const job = (change: Partial<JobSpecBase> = {}): Job =>
  createJob(jobId(0), asPeerId('data'), change)

interface Machine {
  now: number
  memoryBytes: number
  readonly stored: Map<string, unknown>
  /** A book of an agent that was just started. */
  readonly start: () => Promise<MemoryBook>
}

const createMachine = (): Machine => {
  const stored = new Map<string, unknown>()
  const machine: Machine = {
    now: Date.parse('2026-11-22T10:00:00Z'),
    memoryBytes: 1_000,
    stored,
    start: async () => {
      const book = createMemoryBook({
        clock: { now: () => machine.now } as Clock,
        log: quietLog,
        views: {
          setting: async (name) => stored.get(name),
          setSetting: async (name, value) => void stored.set(name, structuredClone(value)),
        },
        memoryBytes: () => machine.memoryBytes,
        kindOf: memoryKindText,
      })
      await book.load()
      return book
    },
  }
  return machine
}

test('what ran out is known to the next job of its kind, also after a restart', async () => {
  const machine = createMachine()
  const book = await machine.start()
  expect([book.fits(job()), book.sentences()]).toEqual([undefined, []])
  book.ranOut(job(), 2, 32)
  book.ranOut(job(), 3, 1)
  for (const one of [book, await machine.start()]) {
    expect(one.fits(job({ name: 'other', priority: 3 }))).toBe(2)
    expect(one.fits(job({ miniBatchSize: { kind: 'items', items: 5 } }))).toBeUndefined()
    expect(one.fits(job({ device: 'gpu' }))).toBeUndefined()
  }
  book.ranOut(job(), 1, 32)
  expect(book.sentences()).toEqual([
    'A process of digits ran out of memory on this machine on 2026-11-22, with 32 items and 2 processes at once: jobs of its kind run 1 at once here until 2026-11-29.',
  ])
  expect(book.sentenceOf(job())).toBe(book.sentences()[0])
})

test('one that ran out alone is told, and takes no process away', async () => {
  const machine = createMachine()
  machine.memoryBytes = 1.5 * 1024 ** 3
  const book = await machine.start()
  book.ranOut(job(), 0, 1)
  for (const one of [book, await machine.start()]) {
    expect(one.fits(job())).toBeUndefined()
    expect(one.sentenceOf(job())).toBe(
      'A process of digits ran out of memory on this machine on 2026-11-22, with 1 item and no other beside it, of the 1.5 GB that one may use: to run fewer at once would not help, smaller mini-batches or fewer slots may.',
    )
  }
  // What was learned of processes side by side stays.
  book.ranOut(job(), 2, 32)
  book.ranOut(job(), 0, 1)
  expect(book.fits(job())).toBe(2)
})

test('it is forgotten after a week, and when a process may use more', async () => {
  const machine = createMachine()
  const book = await machine.start()
  book.ranOut(job(), 1, 32)
  machine.memoryBytes = 1_001
  expect([book.fits(job()), book.sentences()]).toEqual([undefined, []])
  machine.memoryBytes = 900
  expect(book.fits(job())).toBe(1)
  machine.now += limits.memoryNoteMs
  expect([book.fits(job()), book.sentences()]).toEqual([undefined, []])
})

test('only so many kinds are remembered, and nonsense in the store is none', async () => {
  const machine = createMachine()
  const book = await machine.start()
  for (let items = 1; items <= limits.memoryNotes + 3; items++)
    book.ranOut(job({ miniBatchSize: { kind: 'items', items } }), 1, items)
  expect(book.sentences()).toHaveLength(limits.memoryNotes)
  machine.stored.set('memory-book', [{ kind: 3 }, null, 'x'])
  expect((await machine.start()).sentences()).toEqual([])
})
