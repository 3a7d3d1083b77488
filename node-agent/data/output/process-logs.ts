import { join } from 'node:path'
import type { ProcessLog, ProcessLogs } from '#agent/ports/logs.ts'
import { limits } from '#protocol/limits.ts'
import { namesIn, readEnd, sizeOf } from './run-logs.ts'

/**
 * @param root folder with one folder for each job; a log is called `<start>-<process>.log`, and what was printed
 * later `<start>-<process>.log.<byte it begins with>`
 */
export const createProcessLogs = (root: string): ProcessLogs => ({
  list: async (job) => {
    const folder = join(root, job)
    const names = await namesIn(folder, false)
    const found = await Promise.all(names.map((name) => sizeOf(folder, name)))
    const logs = new Map<string, ProcessLog>()
    for (const { path, bytes } of found.flat()) {
      const [, start, process] = /^(\d{1,15})-(\d{1,6})\.log(?:\.\d{1,15})?$/.exec(path) ?? []
      if (start === undefined) continue
      const key = `${start}-${process}`
      const before = logs.get(key)?.bytes ?? 0
      logs.set(key, { process: Number(process), startedAt: Number(start), bytes: before + bytes })
    }
    return [...logs.values()].sort((a, b) => a.process - b.process || a.startedAt - b.startedAt)
  },
  read: async (job, { startedAt, process }, most) => {
    const whole = joinPieces(await piecesOf(join(root, job), `${startedAt}-${process}.log`))
    return whole.subarray(Math.max(0, whole.length - most))
  },
})

/** A stretch of what was printed. */
interface Piece {
  readonly from: number
  readonly bytes: Uint8Array
}

/** Read one after the other: a process that prints on may take the oldest away meanwhile. */
const piecesOf = async (folder: string, name: string): Promise<readonly Piece[]> => {
  const parts = (await namesIn(folder, false))
    .flatMap((one) => (one.startsWith(`${name}.`) ? [Number(one.slice(name.length + 1))] : []))
    .filter((from) => Number.isSafeInteger(from) && from > 0)
    .toSorted((a, b) => a - b)
  const pieces: Piece[] = []
  for (const from of [0, ...parts.slice(-limits.scriptLogParts)]) {
    const path = join(folder, from === 0 ? name : `${name}.${from}`)
    pieces.push({ from, bytes: await readEnd(path, limits.scriptLogReadBytes) })
  }
  return pieces.filter(({ bytes }) => bytes.length > 0)
}

/** Between stretches that do not meet stands a line that says how much is left out, and lines are whole. */
const joinPieces = (pieces: readonly Piece[]): Buffer => {
  const all: Uint8Array[] = []
  pieces.forEach(({ from, bytes }, at) => {
    const before = pieces[at - 1]
    const next = pieces[at + 1]
    const isCutBefore = from > endOf(before)
    const start = isCutBefore ? lineStart(bytes) : 0
    const end = next !== undefined && next.from > from + bytes.length ? lineEnd(bytes) : undefined
    if (isCutBefore) {
      const shown = before === undefined ? 0 : before.from + lineEnd(before.bytes)
      all.push(Buffer.from(leftOut(from + start - shown)))
    }
    all.push(bytes.subarray(start, end))
  })
  return Buffer.concat(all)
}

const endOf = (piece: Piece | undefined): number =>
  piece === undefined ? 0 : piece.from + piece.bytes.length

const leftOut = (bytes: number): string =>
  `\n[${bytes} bytes are left out here: of so long a log only beginning and end are kept]\n\n`

const lineFeed = 0x0a

/** Where the first whole line begins; where there is none near, the first whole character. */
const lineStart = (bytes: Uint8Array): number => {
  const at = bytes.indexOf(lineFeed)
  if (at >= 0 && at < limits.scriptLogLineBytes) return at + 1
  let start = 0
  while (start < 3 && isInside(bytes[start])) start += 1
  return start
}

/** Where the last whole line ends; where there is none near, the last whole character. */
const lineEnd = (bytes: Uint8Array): number => {
  const at = bytes.lastIndexOf(lineFeed)
  if (at >= 0 && at >= bytes.length - limits.scriptLogLineBytes) return at + 1
  let end = bytes.length
  // The last character may lack bytes: it goes, unless it is plain.
  while (end > bytes.length - 3 && isInside(bytes[end - 1])) end -= 1
  return (bytes[end - 1] ?? 0) >= 0xc0 ? end - 1 : bytes.length
}

/** Whether a byte of UTF-8 goes on with a character that began before it. */
const isInside = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80
