import { createHash } from 'node:crypto'
import { join } from 'node:path'
import process from 'node:process'
import { zstdCompressSync } from 'node:zlib'
import { createOutputWriter } from '#agent/data/output/output-writer.ts'
import type { OutputWriter } from '#agent/ports/output.ts'
import type { Store } from '#agent/store/store.ts'
import { asBlobHash } from '#protocol/model/ids.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import { outputFormats } from '#protocol/model/output.ts'
import type { OutputFormat } from '#protocol/model/output.ts'
import { encodeResultChunk } from '#protocol/wire/chunk/chunk.ts'
import {
  createTempFolder,
  createTestKeys,
  genesisOf,
  groupOf,
  jobNumbered,
  jobOf,
  openTestStore,
  planOf,
} from '../test/support/ledger-fixtures.ts'
import { linesOf } from '../test/support/chunks.ts'
import { round } from './measure.ts'
import type { BenchResult } from './measure.ts'

const job = jobNumbered(1)
const miniBatches = 10_000
const itemsEach = 10

/** A job of 100,000 rows like those of digits, written in every format by a thread that runs already. */
export const benchOutput = async (): Promise<BenchResult> => {
  await using folder = await createTempFolder()
  const [keys] = createTestKeys('m')
  if (keys === undefined) throw new Error('no keys')
  await using store = await openTestStore(folder.path, keys)
  await store.ledger.found(genesisOf(keys.self))
  await fill(store, keys.self)
  await using writer = createOutputWriter({
    thread: new URL('../node-agent/output-thread.ts', import.meta.url),
    database: store.file,
    blobs: join(folder.path, 'blobs'),
  })
  const target = join(folder.path, 'outputs')
  await write(writer, target, 'txt')
  const figures: Record<string, unknown> = {}
  for (const format of outputFormats) figures[format] = await write(writer, target, format)
  return { bench: 'output', rows: miniBatches * itemsEach, ...figures }
}

const write = async (writer: OutputWriter, folder: string, format: OutputFormat) => {
  const all = process.cpuUsage()
  const own = process.threadCpuUsage()
  const from = performance.now()
  const fileName = `rows.${format}`
  const wish = { job, folder, fileName, format, present: 'other-name' } as const
  const written = await writer.write(wish, new AbortController().signal)
  if (!written.ok) throw new Error(written.error.message)
  const ms = performance.now() - from
  return {
    ms: round(ms),
    cpuMs: msOf(process.cpuUsage(all)),
    mainThreadMs: msOf(process.threadCpuUsage(own)),
  }
}

const msOf = ({ user, system }: NodeJS.CpuUsage): number => round((user + system) / 1_000)

/** As a keeper gets them: chunks of a thousand mini-batches. */
const fill = async ({ ledger, views }: Store, self: PeerId): Promise<void> => {
  await ledger.append([
    { kind: 'job-submitted', job: jobOf(job, self) },
    planOf(job, miniBatches, itemsEach),
  ])
  for (let from = 0; from < miniBatches; from += 1_000) {
    const list = Array.from({ length: 1_000 }, (_, i) => from + i)
    const entries = list.map((miniBatch) => {
      const items = Array.from({ length: itemsEach }, (_, i) => miniBatch * itemsEach + i)
      const names = items.map((item) => `${item}.png`)
      const rows = items.map((item) =>
        JSON.stringify({ item: `${item}.png`, prediction: String(item % 10), score: 0.99312 }),
      )
      return { miniBatch, attempt: 1, items, names, lines: linesOf(rows), failures: [] }
    })
    const packed = zstdCompressSync(encodeResultChunk({ job, peer: self, entries }))
    const chunk = asBlobHash(createHash('sha256').update(packed).digest('hex'))
    const groups = [groupOf(self, chunk, list)]
    await ledger.append([
      { kind: 'committed', job, term: { number: 1, head: self }, groups, at: 1 },
    ])
    const positions = list.map((_, position) => position)
    const kept = await views.keepRows({ chunk, job, peer: self, positions, packed })
    if (!kept.ok) throw new Error(kept.error.message)
  }
}
