import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JobId } from '#protocol/model/ids.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'

/**
 * Which files of a job were downloaded whole, with their hashes, beside them. The list is not written through to
 * the disk, and neither are the files: after a power loss each may be wrong, so a file of an agent before this one
 * counts only if it has the hash that stands there.
 */
export interface WholeLists {
  readonly add: (job: JobId, file: PlannedFile, sha256: string) => Promise<void>
  readonly isProven: (
    job: JobId,
    asked: { readonly file: PlannedFile; readonly path: string; readonly signal: AbortSignal },
  ) => Promise<boolean>
  /** Bytes of all files on the list. */
  readonly bytesOf: (job: JobId) => Promise<number>
  readonly drop: (job: JobId) => void
}

interface WholeList {
  /** Hash and size by input and name, as far as they stood there when this agent began. */
  readonly before: ReadonlyMap<string, { readonly sha256: string; readonly bytes: number }>
  readonly proven: Set<string>
}

export const createWholeLists = (jobFolder: (job: JobId) => string): WholeLists => {
  const lists = new Map<JobId, Promise<WholeList>>()
  const fileOf = (job: JobId): string => join(jobFolder(job), 'whole.jsonl')
  const listOf = (job: JobId): Promise<WholeList> => {
    const known = lists.get(job) ?? readList(fileOf(job))
    lists.set(job, known)
    return known
  }
  return {
    add: async (job, file, sha256) => {
      const { proven } = await listOf(job)
      proven.add(keyOf(file))
      // Behind a line break: the line before may be half there.
      await appendFile(fileOf(job), `\n${JSON.stringify([keyOf(file), sha256, file.bytes])}`, {
        mode: 0o600,
      })
    },
    isProven: async (job, { file, path, signal }) => {
      const { before, proven } = await listOf(job)
      const key = keyOf(file)
      if (proven.has(key)) return true
      const wanted = before.get(key)?.sha256
      if (wanted === undefined || (await hashOf(path, signal)) !== wanted) return false
      proven.add(key)
      return true
    },
    bytesOf: async (job) => {
      const { before } = await listOf(job)
      return [...before.values()].reduce((sum, { bytes }) => sum + bytes, 0)
    },
    drop: (job) => void lists.delete(job),
  }
}

const keyOf = ({ input, name }: PlannedFile): string => `${input} ${name}`

const readList = async (path: string): Promise<WholeList> => {
  const before = new Map<string, { sha256: string; bytes: number }>()
  const text = await readFile(path, 'utf8').catch(() => '')
  for (const line of text.split('\n')) {
    const [key, sha256, bytes] = parseLine(line)
    if (typeof key === 'string' && typeof sha256 === 'string' && typeof bytes === 'number')
      before.set(key, { sha256, bytes })
  }
  return { before, proven: new Set() }
}

const parseLine = (line: string): readonly unknown[] => {
  try {
    const found: unknown = JSON.parse(line)
    return Array.isArray(found) ? found : []
  } catch {
    return []
  }
}

/** Undefined for a file that cannot be read. */
const hashOf = async (path: string, signal: AbortSignal): Promise<string | undefined> => {
  const hash = createHash('sha256')
  try {
    for await (const part of createReadStream(path, { signal })) hash.update(part as Uint8Array)
    return hash.digest('hex')
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}
