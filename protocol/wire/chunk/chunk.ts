import { z } from 'zod'
import { musterError, MusterFailure } from '../../errors.ts'
import { limits } from '../../limits.ts'
import { contentHashBytes } from '../../model/content.ts'
import type { ItemIndex } from '../../model/ids.ts'
import type {
  AttemptRows,
  ChunkRows,
  ItemFailure,
  ReadRows,
  ResultChunk,
} from '../../model/rows.ts'
import { decodeCbor, encodeCbor } from '../codec.ts'
import {
  createTableReader,
  decodeColumn,
  decodeNames,
  encodeColumn,
  encodeNames,
} from '../columns.ts'
import { blobHash, bytes, count, jobId, peerId, sentence } from '../fields.ts'
import { isOutputPath } from './output-path.ts'

const files = z.object({
  entry: count,
  pack: blobHash,
  list: z
    .array(
      z.object({
        path: z.string().refine(isOutputPath, 'no path below a folder'),
        bytes: count,
        hash: blobHash,
      }),
    )
    .min(1)
    .max(limits.outputFiles),
})

/**
 * A result chunk's bytes, before compression (zstd, by whoever stores it): docs/wire/chunk-v1.md. Rows are
 * JSON texts, so no reader has to know what the job returned, and lie in one piece, so that nobody between
 * the worker process and the keeper's store makes an object of each.
 */
const chunk = z.object({
  job: jobId,
  peer: peerId,
  miniBatches: bytes,
  attempts: bytes,
  rows: bytes,
  failures: bytes,
  items: bytes,
  names: bytes,
  lines: bytes,
  failed: z.array(
    z.object({ item: count, name: z.string().max(limits.itemNameBytes), message: sentence }),
  ),
  /** Of the entries whose script left files. */
  files: z.array(files).max(limits.chunkEntries).exactOptional(),
  /** Of every entry, or left out. */
  ran: z.object({ startedAt: bytes, runMs: bytes, processes: bytes }).exactOptional(),
  /** Hashes of items or slices, `counts[i]` of entry i; left out where no entry has any. */
  contents: z.object({ counts: bytes, hashes: bytes }).exactOptional(),
})

type WrittenFiles = NonNullable<z.infer<typeof chunk>['files']>[number]

const newline = 10

/** The bytes of a result chunk before they are compressed. */
export const encodeResultChunk = ({ job, peer, entries }: ChunkRows): Uint8Array =>
  encodeCbor({
    job,
    peer,
    miniBatches: encodeColumn(entries.map((entry) => entry.miniBatch)),
    attempts: encodeColumn(entries.map((entry) => entry.attempt)),
    rows: encodeColumn(entries.map((entry) => entry.items.length)),
    failures: encodeColumn(entries.map((entry) => entry.failures.length)),
    items: encodeColumn(entries.flatMap((entry) => entry.items)),
    names: encodeNames(entries.flatMap(namesOnce)),
    lines: joinLines(entries),
    failed: entries.flatMap((entry) => entry.failures),
    ...filesOf(entries),
    ...runsOf(entries),
    ...contentsOf(entries),
  })

/** @throws MusterFailure `MessageInvalid` */
export const decodeResultChunk = (data: Uint8Array): ResultChunk => {
  const decoded = decodeCbor(data, chunk, 'result chunk')
  const { job, peer, names, lines, failed, files: left = [], ran, contents, ...columns } = decoded
  const table = createTableReader(limits.chunkEntries)(columns, [
    'miniBatches',
    'attempts',
    'rows',
    'failures',
  ])
  if (table.lines === 0) throw invalid('no entries')
  const { miniBatches, attempts, rows, failures } = table.columns
  if (attempts.includes(0)) throw invalid('attempts begin at 1')
  const takeRows = createTaker(cutLines(lines, sum(rows)))
  const takeItems = createTaker(decodeColumn(columns.items, sum(rows)))
  const takeFailures = createTaker<ItemFailure>(failed)
  const items = rows.map(takeItems)
  const named = namesOf(names, items)
  const filesAt = new Map(left.map(({ entry, pack, list }) => [entry, { files: { pack, list } }]))
  const runs = ran === undefined ? [] : readRuns(ran, table.lines)
  const hashes = contents === undefined ? [] : readContents(contents, table.lines)
  const entries = miniBatches.map((miniBatch, at): ReadRows => ({
    miniBatch,
    attempt: attempts[at] ?? 1,
    items: items[at] ?? [],
    names: named[at] ?? [],
    rows: takeRows(rows[at] ?? 0),
    failures: takeFailures(failures[at] ?? 0),
    ...filesAt.get(at),
    ...runs[at],
    ...hashes[at],
  }))
  return { job, peer, entries }
}

// --- details -----------------------------------------------------------------------------------

const filesOf = (entries: readonly AttemptRows[]): { readonly files?: readonly WrittenFiles[] } => {
  const left = entries.flatMap(({ files: found }, entry) =>
    found === undefined ? [] : [{ entry, pack: found.pack, list: [...found.list] }],
  )
  return left.length === 0 ? {} : { files: left }
}

type WrittenRuns = Readonly<Record<'startedAt' | 'runMs' | 'processes', Uint8Array>>

const runsOf = (entries: readonly AttemptRows[]): { readonly ran?: WrittenRuns } => {
  const runs = entries.flatMap(({ ran }) => ran ?? [])
  if (runs.length < entries.length) return {}
  return {
    ran: {
      startedAt: encodeColumn(runs.map((run) => run.startedAt)),
      runMs: encodeColumn(runs.map((run) => run.runMs)),
      processes: encodeColumn(runs.map((run) => run.process)),
    },
  }
}

const readRuns = (ran: WrittenRuns, entries: number): readonly Pick<ReadRows, 'ran'>[] => {
  const startedAt = decodeColumn(ran.startedAt, entries)
  const runMs = decodeColumn(ran.runMs, entries)
  const processes = decodeColumn(ran.processes, entries)
  if ([startedAt, runMs, processes].some((column) => column.length !== entries))
    throw invalid('another number of runs')
  return startedAt.map((time, at) => ({
    ran: { startedAt: time, runMs: runMs[at] ?? 0, process: processes[at] ?? 0 },
  }))
}

type WrittenContents = Readonly<Record<'counts' | 'hashes', Uint8Array>>

const contentsOf = (entries: readonly AttemptRows[]): { readonly contents?: WrittenContents } => {
  const parts = entries.map(({ contents = nothing }) => contents)
  const length = parts.reduce((total, part) => total + part.length, 0)
  if (length === 0) return {}
  const hashes = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    hashes.set(part, at)
    at += part.length
  }
  return {
    contents: { counts: encodeColumn(parts.map((part) => part.length / contentHashBytes)), hashes },
  }
}

const nothing = new Uint8Array(0)

const readContents = (
  { counts, hashes }: WrittenContents,
  entries: number,
): readonly Pick<ReadRows, 'contents'>[] => {
  const each = decodeColumn(counts, entries)
  if (each.length !== entries || sum(each) * contentHashBytes !== hashes.length)
    throw invalid('another number of hashes')
  let at = 0
  return each.map((count) => {
    const contents = hashes.subarray(at, (at += count * contentHashBytes))
    return count === 0 ? {} : { contents }
  })
}

/** The name of an item stands once, however many rows it has. */
const namesOnce = ({ items, names }: AttemptRows): readonly string[] =>
  names.filter((_, at) => isNext(items, at))

/** True where a row is of another item than the row before. */
const isNext = (items: readonly ItemIndex[], at: number): boolean =>
  at === 0 || items[at] !== items[at - 1]

const joinLines = (entries: readonly AttemptRows[]): Uint8Array => {
  const parts = entries.filter(({ items }) => items.length > 0)
  const length = parts.reduce((total, { lines }) => total + lines.length + 1, 0)
  const joined = new Uint8Array(Math.max(0, length - 1))
  let at = 0
  for (const { lines } of parts) {
    if (at > 0) joined[at - 1] = newline
    joined.set(lines, at)
    at += lines.length + 1
  }
  return joined
}

const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0)

const cutLines = (lines: Uint8Array, count: number): readonly string[] => {
  // Every row has a newline behind it but the last: what the columns claim is bounded by what is there.
  if (count > lines.length + 1) throw invalid('rows cut off')
  const rows = count === 0 && lines.length === 0 ? [] : new TextDecoder().decode(lines).split('\n')
  if (rows.length !== count) throw invalid('another number of rows')
  if (rows.some((row) => row.length > limits.rowBytes)) throw invalid('a row too long')
  return rows
}

/** The name of each row, entry by entry. */
const namesOf = (
  names: Uint8Array,
  entries: readonly (readonly ItemIndex[])[],
): readonly (readonly string[])[] => {
  const count = sum(entries.map((items) => items.filter((_, at) => isNext(items, at)).length))
  const each = decodeNames(names, count)
  let next = 0
  return entries.map((items) =>
    items.map((_, at) => {
      if (isNext(items, at)) next += 1
      return each[next - 1] ?? ''
    }),
  )
}

const createTaker = <Value>(values: readonly Value[]) => {
  let from = 0
  return (length: number): readonly Value[] => {
    const to = from + length
    if (to > values.length) throw invalid('cut off')
    const part = values.slice(from, to)
    from = to
    return part
  }
}

const invalid = (detail: string): MusterFailure =>
  new MusterFailure(musterError('MessageInvalid', 'A result chunk could not be read.', { detail }))
