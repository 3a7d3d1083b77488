import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { ChainFindings, StoreCare } from '#agent/ports/store-care.ts'
import { MusterFailure } from '#protocol/errors.ts'
import type { ClusterId, PeerId, RecordHash } from '#protocol/model/ids.ts'
import type { CheckCalls, StoredLog } from './check-thread.ts'
import type { SegmentRules } from '#protocol/wire/ledger/segment-rules.ts'
import type { ReaderCalls } from './reader-thread.ts'
import { startThread } from './thread/start.ts'
import type { Thread } from './thread/start.ts'
import type { WriterCalls } from './writer-thread.ts'

export interface StoreCareDeps {
  readonly folder: string
  readonly file: string
  readonly self: PeerId
  readonly rules: SegmentRules
  readonly cluster: () => ClusterId | null
}

/** Looks the store through. A thread is started for each question and ends with it. */
export const createStoreCare = (deps: StoreCareDeps): StoreCare => {
  const ask = async <T>(
    signal: AbortSignal,
    run: (thread: Thread<CheckCalls>) => Promise<T>,
  ): Promise<T> => {
    const url = new URL('./check-thread.ts', import.meta.url)
    const { thread } = await startThread<CheckCalls>(url, { file: deps.file })
    await using asked = thread
    const kill = (): void => void asked.kill()
    signal.addEventListener('abort', kill, { once: true })
    try {
      signal.throwIfAborted()
      return await run(asked)
    } finally {
      signal.removeEventListener('abort', kill)
    }
  }
  return {
    bytes: async () => (await sizeOf(deps.file)) + (await sizeOf(`${deps.file}-wal`)),
    integrity: (signal) => ask(signal, (thread) => thread.call('integrity')),
    chains: (progress, signal) =>
      ask(signal, (thread) => checkChains(deps, thread, progress, signal)),
    rebuildCopy: async (signal) => {
      const file = join(deps.folder, checkFile)
      try {
        await removeDatabase(file)
        await ask(signal, (thread) => thread.call('copyTo', file))
        signal.throwIfAborted()
        return await rebuildIn(file)
      } finally {
        await removeDatabase(file)
      }
    },
    blobNames: (signal) => ask(signal, (thread) => thread.call('blobNames', deps.self)),
  }
}

const sizeOf = async (file: string): Promise<number> => {
  try {
    return (await stat(file)).size
  } catch {
    return 0
  }
}

/** One check at a time, by the only agent of the home. */
const checkFile = 'check-copy.db'

/** Takes away what an agent left that was killed while it checked a copy. */
export const sweepCheckCopies = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder))
    if (/^check-\w+\.db(-\w+)?$/.test(name)) await rm(join(folder, name), { force: true })
}

const removeDatabase = async (file: string): Promise<void> => {
  for (const ending of ['', '-wal', '-shm', '-journal']) await rm(file + ending, { force: true })
}

const rebuildIn = async (file: string): Promise<{ before: string; after: string }> => {
  const place = (name: string): URL => new URL(name, import.meta.url)
  const { thread: writer } = await startThread<WriterCalls>(place('./writer-thread.ts'), { file })
  await using writing = writer
  const { thread: reader } = await startThread<ReaderCalls>(place('./reader-thread.ts'), { file })
  await using reading = reader
  const before = await reading.call('digest')
  await writing.call('rebuild')
  return { before, after: await reading.call('digest') }
}

const mostProblems = 20

const checkChains = async (
  deps: StoreCareDeps,
  thread: Thread<CheckCalls>,
  progress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<ChainFindings> => {
  const cluster = deps.cluster()
  const logs = await thread.call('logs')
  const total = logs.reduce((sum, log) => sum + log.segments, 0)
  const problems: string[] = []
  let segments = 0
  let records = 0
  for (const log of cluster === null ? [] : logs) {
    let end: End = { incarnation: log.incarnation, sequence: -1, hash: '' }
    let problem: string | undefined
    for (let after = -1; problem === undefined;) {
      const page = await thread.call('segments', { log: log.id, after })
      if (page.length === 0) break
      for (const { bytes, last } of page) {
        signal.throwIfAborted()
        const checked = checkOne(deps.rules, cluster as ClusterId, end, bytes)
        segments += 1
        after = last
        if (typeof checked === 'string') {
          problem = checked
          break
        }
        end = checked
      }
      progress(segments, total)
      // Signatures take their time: the agent's loop gets its turn.
      await turn()
    }
    problem ??= endProblem(log, end)
    if (problem !== undefined && problems.length < mostProblems) problems.push(problem)
    records += log.records
  }
  return { segments, records, problems }
}

interface End {
  readonly incarnation: number
  readonly sequence: number
  readonly hash: RecordHash | ''
}

/** The end of the log behind this segment, or what is wrong with it. */
const checkOne = (
  rules: SegmentRules,
  cluster: ClusterId,
  end: End,
  bytes: Uint8Array,
): End | string => {
  const opened = rules.open(bytes)
  if (!opened.ok) return opened.error.message
  try {
    const held = { ...end, hashAt: (sequence: number) => hashOf(end, sequence) }
    const verdict = rules.check(cluster, held, { bytes, segment: opened.value })
    const { origin, first } = opened.value
    switch (verdict.kind) {
      case 'fresh':
        return { ...end, sequence: verdict.segment.last, hash: verdict.segment.lastHash }
      case 'known':
        return end
      case 'gap':
        return `The log of ${origin} has a hole before record ${first}.`
      case 'refused':
        return verdict.error.message
    }
  } catch (thrown) {
    if (thrown instanceof MusterFailure) return thrown.error.message
    throw thrown
  }
}

const hashOf = (end: End, sequence: number): RecordHash | undefined =>
  sequence === end.sequence && end.hash !== '' ? end.hash : undefined

const endProblem = (log: StoredLog, end: End): string | undefined => {
  if (end.sequence !== log.sequence || end.hash !== log.hash)
    return `The log of ${log.origin} ends at record ${end.sequence}, but ${log.sequence} is noted for it.`
  return log.records === log.sequence + 1
    ? undefined
    : `The log of ${log.origin} has ${log.sequence + 1} records, but ${log.records} stand in its index.`
}
