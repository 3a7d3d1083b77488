import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { ItemIndex, JobId } from '../../model/ids.ts'
import type { Partition } from '../../model/plan.ts'
import { encodeCbor, requestProtocol } from '../codec.ts'
import type { RequestProtocol } from '../codec.ts'
import {
  createTableReader,
  decodeNames,
  decodeTimes,
  encodeColumn,
  encodeNames,
  encodeTimes,
} from '../columns.ts'
import { bytes, count, jobId, partition, sentence } from '../fields.ts'
import { wireSlices } from '../plan/slices.ts'
import type { WireSlices } from '../plan/slices.ts'

/**
 * `/muster/input/1.0.0`: the items of one mini-batch (or any item range) in one framed stream, from the
 * data's peer. Small items share a frame; a large item is cut into parts.
 */
export interface InputRequest {
  readonly job: JobId
  readonly firstItem: ItemIndex
  readonly items: number
  /**
   * `paths` asks for names, sizes and times only, for a worker that may open the files in place; of a table
   * for its slices and the label. `label` asks for the label alone. `listing` asks for the names, sizes and
   * times of all files of the inputs that the job wants downloaded, whatever the range says; `files` for the
   * bytes of a range of that list.
   */
  readonly want: 'bytes' | 'paths' | 'label' | 'listing' | 'files'
  /**
   * With `bytes` of Parquet: numbers of the sources that shall come with the footer of their file behind them;
   * the asker has the others. Left out: all, as an agent that does not know this word sends them.
   */
  readonly footers?: readonly number[]
}

/** What a mini-batch is called. */
export interface InputLabel {
  /** Position of its input in the job's list. */
  readonly input: number
  /** Present exactly where the job has partition keys. */
  readonly partition?: Partition
}

/**
 * Slices of a table. Of a range that begins or ends inside a slice they have only the records asked for,
 * but all bytes of the slice: `skips` counts the records of text before them.
 */
export interface InputSlices {
  readonly slices: WireSlices
  readonly skips: readonly number[]
}

/**
 * A part of one item, or of one source of a table. It is whole when its parts add up to `total`. Sources of
 * a table are the different stretches of bytes that its slices name, in the order in which they do, of
 * Parquet with the footer behind each for which it was asked for: `total` tells which.
 */
export interface InputPart {
  /** Of a table the number of the source, from 0; of `listing` and `files` the place in that list. */
  readonly item: ItemIndex
  readonly name: string
  readonly total: number
  readonly offset: number
  readonly data: Uint8Array
  readonly modifiedMs: number
  /** Position of its input in the job's list. */
  readonly input: number
  /** Why the item cannot be had, in one sentence; empty if it can. */
  readonly problem: string
  /** SHA-256 (hex) of the whole file, on the last part of one that was asked for by `files`. */
  readonly sha256?: string
}

/** One frame of an answer: a table of parts, in columns. */
export interface InputAnswer {
  readonly parts: readonly InputPart[]
  readonly last: boolean
  /** On the first answer to `paths` of a table and to `label`. */
  readonly label?: InputLabel
  /** On answers to `paths` of a table, which have no parts. */
  readonly table?: InputSlices
  /** On the first `paths` answer: lets an agent of the same user on the same machine know that it is one. */
  readonly sameUser?: SameUserProof
}

/** A file that only one user of one machine can read, and what stands in it. */
export interface SameUserProof {
  readonly path: string
  /** 64 hex digits. */
  readonly nonce: string
}

const request: z.ZodType<InputRequest> = z.object({
  job: jobId,
  firstItem: count,
  items: z.int().min(1).max(1_000_000),
  want: z.enum(['bytes', 'paths', 'label', 'listing', 'files']),
  footers: z.array(count).max(limits.slicesPerMiniBatch).exactOptional(),
})

/** Parts in columns: most are small, and then an object of each would cost more than its bytes. */
const partColumns = ['items', 'totals', 'offsets', 'lengths', 'inputs'] as const
const most = 100_000

const answer: z.ZodType<InputAnswer> = z
  .object({
    items: bytes,
    totals: bytes,
    offsets: bytes,
    lengths: bytes,
    inputs: bytes,
    modifiedMs: bytes,
    names: bytes,
    data: bytes,
    problems: z.array(z.object({ part: count, problem: sentence })).max(most),
    hashes: z
      .array(z.object({ part: count, sha256: z.string().length(64) }))
      .max(most)
      .default([]),
    last: z.boolean(),
    label: z
      .object({
        input: z
          .int()
          .min(0)
          .max(limits.inputs - 1),
        partition: partition.exactOptional(),
      })
      .exactOptional(),
    table: z
      .object({ slices: wireSlices, skips: z.array(count).max(limits.slicesPerMiniBatch) })
      .exactOptional(),
    sameUser: z
      .object({ path: z.string().max(limits.itemNameBytes), nonce: z.string().max(64) })
      .exactOptional(),
  })
  .transform(({ last, sameUser, label, table, ...wire }, context) => {
    const parts = partsFromWire(wire)
    if (parts === undefined) {
      context.addIssue('parts that contradict each other')
      return z.NEVER
    }
    return {
      parts,
      last,
      ...(label === undefined ? {} : { label }),
      ...(table === undefined ? {} : { table }),
      ...(sameUser === undefined ? {} : { sameUser }),
    }
  })

type WireParts = Readonly<Record<(typeof partColumns)[number], Uint8Array>> & {
  readonly modifiedMs: Uint8Array
  readonly names: Uint8Array
  readonly data: Uint8Array
  readonly problems: readonly { readonly part: number; readonly problem: string }[]
  readonly hashes: readonly { readonly part: number; readonly sha256: string }[]
}

const partsFromWire = (wire: WireParts): readonly InputPart[] | undefined => {
  const { lines, columns } = createTableReader(most)(wire, partColumns)
  const times = decodeTimes(wire.modifiedMs, lines)
  const names = decodeNames(wire.names, lines)
  const problems = new Map(wire.problems.map(({ part, problem }) => [part, problem]))
  const hashes = new Map(wire.hashes.map(({ part, sha256 }) => [part, sha256]))
  let end = 0
  const parts = names.map((name, at): InputPart => {
    const start = end
    end += columns.lengths[at] ?? 0
    const sha256 = hashes.get(at)
    return {
      item: columns.items[at] ?? 0,
      name,
      total: columns.totals[at] ?? 0,
      offset: columns.offsets[at] ?? 0,
      data: wire.data.subarray(start, end),
      modifiedMs: times[at] ?? 0,
      input: columns.inputs[at] ?? 0,
      problem: problems.get(at) ?? '',
      ...(sha256 === undefined ? {} : { sha256 }),
    }
  })
  const isWhole = times.length === lines && end === wire.data.length
  return isWhole && columns.inputs.every((input) => input < limits.inputs) ? parts : undefined
}

const answerToWire = ({ parts, ...rest }: InputAnswer): object => ({
  ...rest,
  items: encodeColumn(parts.map((part) => part.item)),
  totals: encodeColumn(parts.map((part) => part.total)),
  offsets: encodeColumn(parts.map((part) => part.offset)),
  lengths: encodeColumn(parts.map((part) => part.data.length)),
  inputs: encodeColumn(parts.map((part) => part.input)),
  modifiedMs: encodeTimes(parts.map((part) => part.modifiedMs)),
  names: encodeNames(parts.map((part) => part.name)),
  data: joinData(parts),
  problems: parts.flatMap(({ problem }, part) => (problem === '' ? [] : [{ part, problem }])),
  hashes: parts.flatMap(({ sha256 }, part) => (sha256 === undefined ? [] : [{ part, sha256 }])),
})

const joinData = (parts: readonly InputPart[]): Uint8Array => {
  const [only] = parts
  if (only !== undefined && parts.length === 1) return only.data
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.data.length, 0))
  let at = 0
  for (const { data } of parts) {
    joined.set(data, at)
    at += data.length
  }
  return joined
}

/** See docs/wire/input-v1.md. */
export const inputProtocol: RequestProtocol<InputRequest, InputAnswer> = {
  ...requestProtocol('/muster/input/1.0.0', 4 * limits.bulkFrameBytes, request, answer),
  encodeAnswer: (value) => encodeCbor(answerToWire(value)),
}
