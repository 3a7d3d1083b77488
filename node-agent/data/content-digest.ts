import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Stats } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContentDigest } from '#agent/ports/data.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import { contentHashBytes } from '#protocol/model/content.ts'
import type { JobInput } from '#protocol/model/input.ts'
import type { PlannedFile, PlannedSlice, PlannedTable } from '#protocol/model/plan.ts'
import { err, ok } from '#protocol/model/result.ts'
import { isInside, openRoot, walkFiles } from './plan/folder-walk.ts'
import { createMatcher } from './plan/patterns.ts'
import { openForReading, patientAccess } from './readers/file-access.ts'
import type { OpenFile } from './readers/file-access.ts'
import { readParquetFacts } from './readers/parquet.ts'
import type { ParquetFacts } from './readers/parquet.ts'
import { endSliceHash, footerWords, startSliceHash } from './readers/table-hash.ts'

/** Reads files of inputs, or parts of them, and names what is in them by hashes. */
export const createContentDigest = (): ContentDigest => {
  const kept: Kept = { footers: new WeakMap(), pieces: [] }
  return { ...wholeFiles, slices: (...given) => hashAll(kept, ...given) }
}

/** What the next call uses again. */
interface Kept {
  readonly footers: Footers
  /**
   * Memory for a piece of a file, one more for each call that ran beside others. A fresh one for each piece is
   * garbage outside of V8's heap, of which hundreds of megabytes lie about before anybody looks.
   */
  readonly pieces: Uint8Array[]
}

/** Footers of Parquet take long to take apart: each is kept as long as the plan chunk that names its file. */
type Footers = WeakMap<PlannedTable, ParquetFacts | string>

const wholeFiles: Pick<ContentDigest, 'file' | 'of'> = {
  file: async (input, planned, signal) =>
    readPlanned(input, planned, signal, async (path) => {
      const hash = createHash('sha256')
      for await (const part of createReadStream(path, { signal })) hash.update(part as Uint8Array)
      return hash.digest('hex').slice(0, 2 * contentHashBytes)
    }),
  of: async (input, signal) => {
    const whole = createHash('sha256')
    try {
      const root = await openRoot(input.root, input.name)
      const matcher = createMatcher(input.patterns)
      for await (const { name } of walkFiles({ root, matcher, signal })) {
        const file = createHash('sha256')
        for await (const part of createReadStream(join(root, name), { signal }))
          file.update(part as Uint8Array)
        whole.update(`${file.digest('hex')} ${JSON.stringify(name)}\n`)
      }
      return ok(whole.digest('hex'))
    } catch (thrown) {
      signal.throwIfAborted()
      return err(
        musterError(
          'InputMissing',
          `The folder ${input.root} of input "${input.name}" could not be read to its end: check its disk.`,
          { detail: thrownToText(thrown) },
        ),
      )
    }
  },
}

const hashAll = async (
  { footers, pieces }: Kept,
  ...[input, slices, signal]: Parameters<ContentDigest['slices']>
): Promise<readonly (string | undefined)[]> => {
  const found: (string | undefined)[] = slices.map(() => undefined)
  const byFile = Map.groupBy(slices.keys(), (at) => slices[at]?.file)
  const piece = pieces.pop() ?? Buffer.allocUnsafe(pieceBytes)
  try {
    for (const [file, places] of byFile) {
      if (file === undefined) continue
      const own = places.flatMap((at) => slices[at] ?? [])
      const hashes = await readPlanned(input, file, signal, async (path) => {
        await using open = await openForReading(patientAccess, path, file.bytes)
        const footer = await footerOf(footers, open, file)
        if (typeof footer === 'string') return []
        return await hashSlices({ open, piece, signal }, own, footer)
      })
      for (const [i, at] of places.entries()) found[at] = hashes?.[i]
    }
  } finally {
    pieces.push(piece)
  }
  return found
}

/** Undefined: it is text. */
const footerOf = async (
  footers: Footers,
  open: OpenFile,
  file: PlannedTable,
): Promise<ParquetFacts | string | undefined> => {
  if (file.tailBytes === 0) return undefined
  const footer = footers.get(file) ?? (await readParquetFacts(open, file.bytes))
  footers.set(file, footer)
  return footer
}

/** What `read` makes of a file that is as planned before and after it; undefined: it is not, or cannot be read. */
const readPlanned = async <Value>(
  input: JobInput,
  planned: PlannedFile,
  signal: AbortSignal,
  read: (path: string) => Promise<Value>,
): Promise<Value | undefined> => {
  try {
    const root = await openRoot(input.root, input.name)
    const path = await realpath(join(root, planned.name))
    if (!isInside(root, path) || !isAsPlanned(await stat(path), planned)) return undefined
    const value = await read(path)
    return isAsPlanned(await stat(path), planned) ? value : undefined
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}

const isAsPlanned = (facts: Stats, { bytes, modifiedMs }: PlannedFile): boolean =>
  facts.isFile() && facts.size === bytes && Math.trunc(facts.mtimeMs) === modifiedMs

/** Slices of one file. @throws errors of the system */
const hashSlices = async (
  reading: Reading,
  slices: readonly PlannedSlice[],
  facts: ParquetFacts | undefined,
): Promise<readonly (string | undefined)[]> => {
  const found: (string | undefined)[] = []
  for (const slice of slices) {
    reading.signal.throwIfAborted()
    found.push(await hashSlice(reading, slice, facts && footerWords(facts, slice)))
  }
  return found
}

interface Reading {
  readonly open: OpenFile
  readonly piece: Uint8Array
  readonly signal: AbortSignal
}

const hashSlice = async (
  { open, piece }: Reading,
  { offset, length }: PlannedSlice,
  footer: string | undefined,
): Promise<string | undefined> => {
  const hash = startSliceHash()
  const end = offset + length
  for (let at = offset; at < end; at += piece.length) {
    const read = await open.exactly(at, Math.min(piece.length, end - at), piece)
    if (read === undefined) return undefined
    hash.update(read)
  }
  return endSliceHash(hash, footer)
}

/** Hashed at once: some tenths of a millisecond of the agent's loop. */
const pieceBytes = 256 * 1024
