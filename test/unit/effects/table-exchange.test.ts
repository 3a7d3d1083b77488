import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parquetWriteFile } from 'hyparquet-writer'
import { afterEach, describe, expect, it } from 'vitest'
import { createBlobs } from '#agent/data/blobs/blobs.ts'
import { createItemReader } from '#agent/data/items.ts'
import { createPlanReader } from '#agent/data/plan/plan-reader.ts'
import { createPlanner } from '#agent/data/plan/planner.ts'
import { readTable } from '#agent/data/readers/read-table.ts'
import type { TableRecord } from '#agent/data/readers/read-table.ts'
import { createDownloadLists } from '#agent/effects/inputs/download-lists.ts'
import { createInputExchange } from '#agent/effects/inputs/input-exchange.ts'
import type { InputExchange } from '#agent/effects/inputs/input-exchange.ts'
import type { InPlace } from '#agent/effects/inputs/in-place.ts'
import type { RunInput } from '#agent/ports/runtime.ts'
import type { Transport } from '#agent/ports/transport.ts'
import { limits } from '#protocol/limits.ts'
import type { Job, JobSpec } from '#protocol/model/job.ts'
import type { TableInput } from '#protocol/model/input.ts'
import { itemsOf, miniBatchesOf } from '#protocol/model/plan.ts'
import type { PlanChunk } from '#protocol/model/plan.ts'
import type { PlanChunkWritten } from '#protocol/model/record.ts'
import { inputProtocol } from '#protocol/wire/input/protocol.ts'
import type { InputAnswer, InputRequest } from '#protocol/wire/input/protocol.ts'
import { encodePlanChunk } from '#protocol/wire/plan/plan.ts'
import { createMemoryNetwork } from '#test/support/memory-transport.ts'
import { createMachines } from '#test/support/transport-machines.ts'
import type { Machine } from '#test/support/transport-machines.ts'
import { job as id, specOf } from '../data/specs.ts'
import { tempFolder } from '../data/temp.ts'

const machines = createMachines(() => {
  const network = createMemoryNetwork()
  return { make: async ({ key, ...member }) => network.join({ self: key.peer, ...member }) }
})
afterEach(machines.disposeAll)

const forever = new AbortController().signal

/** Nothing may be opened where it lies. */
const streamedOnly: InPlace = {
  directRoot: () => Promise.resolve(undefined),
  mayTry: () => false,
  paths: (_, items) => Promise.resolve(items.map(() => undefined)),
  offer: () => Promise.resolve(undefined),
}
/** Everything may: the data's peer is proven to be the same user. */
const sameUser: InPlace = {
  directRoot: () => Promise.resolve(undefined),
  mayTry: () => true,
  paths: (job, items) => {
    const reader = createItemReader()
    return Promise.all(
      items.map(async (item) => {
        const root = job.spec.inputs[item.input]?.root ?? ''
        return 'columns' in item ? reader.tablePath(root, item) : reader.inPlacePath(root, item)
      }),
    )
  },
  offer: () => Promise.resolve(undefined),
}

interface Office {
  /** Bytes of records and footers that the worker was sent. */
  readonly carried: () => number
  readonly job: Job
  readonly chunks: readonly PlanChunk[]
  /** At the data's peer, and at a worker that reaches it over the network. */
  readonly here: InputExchange
  readonly there: InputExchange
}

/** Plans a job and stands two exchanges up: one that has its data, one that asks for it. */
const openOffice = async (
  home: string,
  spec: JobSpec,
  inPlace: InPlace = streamedOnly,
  /** The request as the data's peer understands it. */
  understood: (request: InputRequest) => InputRequest = (request) => request,
): Promise<Office> => {
  const [a, b] = await machines.connectedPair()
  const job: Job = { id, spec, submitter: a.peer, dataPeer: a.peer, keeper: a.peer, submittedAt: 0 }
  const blobs = createBlobs({ folder: join(home, 'blobs') })
  const chunks = await Array.fromAsync(createPlanner().plan(id, spec, undefined, forever))
  const records: PlanChunkWritten[] = []
  for (const chunk of chunks) {
    const blob = await blobs.put(encodePlanChunk(chunk))
    if (!blob.ok) throw new Error(blob.error.message)
    const { firstItem, firstMiniBatch, runs, last } = chunk
    const counts = { items: itemsOf(chunk), miniBatches: miniBatchesOf(chunk) }
    records.push({
      kind: 'plan-chunk-written',
      job: id,
      chunk: chunk.chunk,
      blob: blob.value,
      firstItem,
      firstMiniBatch,
      runs,
      last,
      ...counts,
    })
  }
  let carried = 0
  /** Counts what comes, and lets an older agent be asked. */
  const counting = ({ transport }: Machine): Transport => ({
    ...transport,
    request: async function* (to, protocol, request, signal) {
      const asked = protocol.id === inputProtocol.id ? understood(request as never) : request
      for await (const answer of transport.request(to, protocol, asked as never, signal)) {
        const { parts } = answer as InputAnswer
        for (const part of parts) carried += part.data.length
        yield answer
      }
    },
  })
  const exchange = (machine: Machine, own: InPlace, has: boolean): InputExchange =>
    createInputExchange({
      transport: has ? machine.transport : counting(machine),
      plan: createPlanReader({ blobs, planChunks: () => Promise.resolve(has ? records : []) }),
      items: createItemReader(),
      inPlace: own,
      downloadLists: createDownloadLists({ items: createItemReader(), planner: createPlanner() }),
      directFolders: () => ({}),
      mayReadInPlace: () => true,
      jobById: () => Promise.resolve(job),
    })
  return {
    carried: () => carried,
    job,
    chunks,
    here: exchange(a, streamedOnly, true),
    there: exchange(b, inPlace, false),
  }
}

const fetched = async (
  exchange: InputExchange,
  { job }: Office,
  first: number,
  count: number,
): Promise<RunInput> => {
  const found = await exchange.fetchMiniBatch(job, first, count, forever)
  if (!found.ok) throw new Error(found.error.message)
  return found.value
}

const recordsOf = async ({ table }: RunInput): Promise<readonly TableRecord[]> => {
  if (table === undefined) throw new Error('no table')
  return (await readTable(table)).records
}

/** First item and length of each mini-batch. */
const miniBatchesIn = (chunks: readonly PlanChunk[]): (readonly [number, number])[] => {
  let first = 0
  return chunks.flatMap(({ runs }) =>
    runs.flatMap((run) =>
      Array.from({ length: run.count }, () => {
        const range = [first, run.items] as const
        first += run.items
        return range
      }),
    ),
  )
}

const tableSpec = (
  root: string,
  extra: Partial<TableInput> = {},
  more: Partial<JobSpec> = {},
): JobSpec =>
  ({
    ...specOf({ root }),
    inputs: [
      {
        kind: 'table',
        name: 'prices',
        root,
        patterns: ['*.table'],
        format: 'delimited',
        delimiter: ',',
        header: true,
        ...extra,
      },
    ],
    miniBatchSize: { kind: 'bytes', bytes: 200 },
    ...more,
  }) as JobSpec

const csv = (rows: number, from = 0): string =>
  `store,n\n${Array.from({ length: rows }, (_, i) => `"s\n${(from + i) % 3}",${from + i}\n`).join('')}`

const parquet = (path: string, rows: number): void =>
  parquetWriteFile({
    filename: path,
    columnData: [
      {
        name: 'store',
        data: Array.from({ length: rows }, (_, i) => `s\n${i % 3}`),
        type: 'STRING',
      },
      { name: 'n', data: Array.from({ length: rows }, (_, i) => i), type: 'INT32' },
    ],
    rowGroupSize: 10,
  })

describe('records of a table', () => {
  it.each(['delimited', 'parquet'] as const)(
    'of %s are the same read here, opened in place, and streamed; also any range of them',
    async (format) => {
      await using folder = await tempFolder()
      await using home = await tempFolder()
      const path = join(folder.path, 'a.table')
      if (format === 'parquet') parquet(path, 60)
      else await writeFile(path, csv(60))
      const spec = tableSpec(folder.path, { format })
      const streaming = await openOffice(home.path, spec)
      const opening = await openOffice(join(home.path, '2'), spec, sameUser)
      const ranges = [...miniBatchesIn(streaming.chunks), [3, 1], [7, 20], [59, 1]] as const
      for (const [first, count] of ranges) {
        const here = await fetched(streaming.here, streaming, first, count)
        const streamed = await fetched(streaming.there, streaming, first, count)
        const opened = await fetched(opening.there, opening, first, count)
        expect(here.table?.sources.every(({ content }) => 'path' in content)).toBe(true)
        expect(streamed.table?.sources.every(({ content }) => 'bytes' in content)).toBe(true)
        expect(opened.table?.sources.every(({ content }) => 'path' in content)).toBe(true)
        const expected = Array.from({ length: count }, (_, i) => ({
          item: first + i,
          name: `a.table#${first + i + 1}`,
          values: {
            store: `s\n${(first + i) % 3}`,
            n: format === 'parquet' ? first + i : String(first + i),
          },
          problem: '',
        }))
        expect(await recordsOf(here)).toEqual(expected)
        expect(await recordsOf(streamed)).toEqual(expected)
        expect(await recordsOf(opened)).toEqual(expected)
      }
      expect(streaming.there.itemsStreamed()).toBe(ranges.reduce((sum, [, n]) => sum + n, 0))
      expect(opening.there.itemsStreamed()).toBe(0)
    },
  )

  it('come by partition, with its values, out of many places of several files', async () => {
    await using folder = await tempFolder()
    await using home = await tempFolder()
    await writeFile(join(folder.path, 'a.table'), csv(50))
    await writeFile(join(folder.path, 'b.table'), csv(50, 50))
    const office = await openOffice(
      home.path,
      tableSpec(folder.path, {}, { partitionKeys: ['store'] }),
    )
    const found = []
    for (const [first, count] of miniBatchesIn(office.chunks)) {
      const input = await fetched(office.there, office, first, count)
      const records = await recordsOf(input)
      expect(records).toHaveLength(count)
      expect(records.every(({ values }) => values?.['store'] === input.partition?.['store'])).toBe(
        true,
      )
      found.push(...records.map(({ values }) => Number(values?.['n'])))
      expect(input.input).toBe('prices')
    }
    expect(found.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })

  it('of one Parquet row group travel once, however many slices need them', async () => {
    await using folder = await tempFolder()
    await using home = await tempFolder()
    parquet(join(folder.path, 'a.table'), 10)
    const spec = tableSpec(folder.path, { format: 'parquet' }, { partitionKeys: ['store'] })
    const office = await openOffice(home.path, spec)
    const { table } = await fetched(office.there, office, 0, 4)
    expect(table?.slices).toHaveLength(4)
    expect(table?.sources).toHaveLength(1)
  })

  it('of Parquet bring each footer along once, whoever asks first, and by partition from many files', async () => {
    await using folder = await tempFolder()
    await using home = await tempFolder()
    for (const name of ['a', 'b', 'c']) parquet(join(folder.path, `${name}.table`), 60)
    for (const keys of [[], ['store']]) {
      const spec = tableSpec(folder.path, { format: 'parquet' }, { partitionKeys: keys })
      const office = await openOffice(join(home.path, keys.join()), spec)
      const ranges = miniBatchesIn(office.chunks)
      const all = await Promise.all(
        ranges.map(([first, count]) => fetched(office.there, office, first, count)),
      )
      let bytes = 0
      for (const [i, [first, count]] of ranges.entries()) {
        const input = all[i]
        const here = await fetched(office.here, office, first, count)
        expect(input && (await recordsOf(input))).toEqual(await recordsOf(here))
        for (const { content } of input?.table?.sources ?? [])
          if ('bytes' in content) bytes += content.bytes.length
      }
      const sources = all.flatMap(({ table }) => table?.sources ?? [])
      const tails = new Map(sources.map(({ name, tailBytes }) => [name, tailBytes]))
      expect(tails.size).toBe(3)
      expect(sources.length).toBeGreaterThan(12)
      expect(office.carried()).toBe(bytes + [...tails.values()].reduce((sum, tail) => sum + tail))
      // Dropped with their job: asked for again, they come again.
      office.there.jobEnded(office.job.id)
      const before = office.carried()
      const [first = 0, count = 0] = ranges[0] ?? []
      const again = await fetched(office.there, office, first, count)
      const own = (again.table?.sources ?? []).map(({ content }) =>
        'bytes' in content ? content.bytes.length : 0,
      )
      const files = new Set((again.table?.sources ?? []).map(({ name }) => name))
      const footers = [...files].reduce((sum, name) => sum + (tails.get(name) ?? 0), 0)
      expect(office.carried() - before).toBe(own.reduce((sum, one) => sum + one, footers))
    }
  })

  it('of Parquet are understood from agents that send a footer with each, and by ones that want it so', async () => {
    await using folder = await tempFolder()
    await using home = await tempFolder()
    parquet(join(folder.path, 'a.table'), 60)
    const spec = tableSpec(folder.path, { format: 'parquet' })
    const older = await openOffice(home.path, spec, streamedOnly, (request) => {
      const { footers: _, ...known } = request
      return known
    })
    for (const [first, count] of miniBatchesIn(older.chunks)) {
      const records = await recordsOf(await fetched(older.there, older, first, count))
      expect(records.map(({ values }) => values?.['n'])).toEqual(
        Array.from({ length: count }, (_, i) => first + i),
      )
    }
    const [slice] = older.chunks[0]?.kind === 'table' ? older.chunks[0].slices : []
    const sources = 60 / 10
    const rows = older.carried() - sources * (slice?.file.tailBytes ?? 0)
    expect(rows).toBeGreaterThan(0)
    expect(rows).toBeLessThan(slice?.file.bytes ?? 0)
  })

  it('larger than many frames arrive whole', async () => {
    await using folder = await tempFolder()
    await using home = await tempFolder()
    const long = 'x'.repeat(100_000)
    const rows = Array.from({ length: 30 }, (_, i) => `${i},${long}\n`)
    await writeFile(join(folder.path, 'a.table'), `n,text\n${rows.join('')}`)
    const office = await openOffice(
      home.path,
      tableSpec(folder.path, {}, { miniBatchSize: { kind: 'bytes', bytes: 100_000_000 } }),
    )
    const records = await recordsOf(await fetched(office.there, office, 0, 30))
    expect(30 * long.length).toBeGreaterThan(8 * limits.bulkFrameBytes)
    expect(records.map(({ values }) => [values?.['n'], values?.['text'] === long])).toEqual(
      Array.from({ length: 30 }, (_, i) => [String(i), true]),
    )
  })

  it('of a file that changed since are failed items, in words', async () => {
    await using folder = await tempFolder()
    await using home = await tempFolder()
    await writeFile(join(folder.path, 'a.table'), csv(10))
    const office = await openOffice(home.path, tableSpec(folder.path))
    await appendFile(join(folder.path, 'a.table'), 'x,1\n')
    for (const exchange of [office.here, office.there]) {
      const records = await recordsOf(await fetched(exchange, office, 0, 5))
      expect(records).toHaveLength(5)
      for (const record of records)
        expect(record.problem).toMatch(/^"a.table" had \d+ bytes when the job was planned/)
    }
  })
})

describe('mini-batches of files', () => {
  it('say of which input they are, and which partition', async () => {
    await using one = await tempFolder()
    await using two = await tempFolder()
    await using home = await tempFolder()
    await writeFile(join(one.path, 'anna.1.txt'), 'a')
    await writeFile(join(one.path, 'ben.1.txt'), 'b')
    await writeFile(join(two.path, 'anna.2.txt'), 'c')
    const partitionFormat = '{user}.{n}.txt'
    const base = specOf({ root: one.path, partitionFormat })
    const second = { kind: 'files', name: 'more', root: two.path, patterns: ['*'], partitionFormat }
    const spec = {
      ...base,
      inputs: [...base.inputs, second],
      partitionKeys: ['user'],
    } as JobSpec
    const office = await openOffice(home.path, spec)
    const seen = []
    for (const [first, count] of miniBatchesIn(office.chunks)) {
      const { input, partition, items } = await fetched(office.there, office, first, count)
      seen.push([input, partition, items.map((item) => item.name)])
    }
    expect(seen).toEqual([
      ['digits', { user: 'anna' }, ['anna.1.txt']],
      ['digits', { user: 'ben' }, ['ben.1.txt']],
      ['more', { user: 'anna' }, ['anna.2.txt']],
    ])
  })
})
