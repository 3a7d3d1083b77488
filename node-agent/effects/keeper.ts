import type { Blobs } from '#agent/ports/blobs.ts'
import type { Chunks } from '#agent/ports/chunks.ts'
import type { Clock } from '#agent/ports/clock.ts'
import type { OutputRow, OutputWriter } from '#agent/ports/data.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Log } from '#agent/ports/log.ts'
import type { JobFold, MissingChunk, SealFacts, Views } from '#agent/ports/views.ts'
import { thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { JobSealed } from '#protocol/model/record.ts'
import type { BlobExchange } from './blob-exchange.ts'

/**
 * Collects rows of jobs. For a job whose keeper this agent is: pulls chunks as they are committed, and
 * when the head has closed the job and every counted row is here, writes the output and seals. For other
 * jobs: fetches their rows once they are sealed, so that they can be browsed here offline.
 */
export interface Keeper extends AsyncDisposable {
  /** Something was recorded about the job: look whether there is work. */
  readonly jobTouched: (job: JobId) => void
  /** A member came (back): chunks that could not be had may be there now. */
  readonly peerSeen: () => void
  /** Peers whose chunks of the job are missing here; for `explain`. */
  readonly waitsFor: (job: JobId) => readonly PeerId[]
}

export interface KeeperDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly log: Log
  readonly ledger: Ledger
  readonly views: Views
  readonly blobs: Blobs
  readonly chunks: Chunks
  readonly exchange: BlobExchange
  readonly writer: OutputWriter
  /** Folder for the output of one run. */
  readonly outputFolder: (job: JobId) => string
  /** What a closed job comes to, by rule. */
  readonly verdict: (
    fold: JobFold,
    facts: SealFacts,
    firstFailure: string,
  ) => Pick<JobSealed, 'state' | 'headline'> & { readonly writeOutput: boolean }
  /** Members that may hold a chunk besides the peer that made it. */
  readonly otherHolders: () => readonly PeerId[]
}

export const createKeeper = (deps: KeeperDeps): Keeper => {
  const { views, clock, log } = deps
  const stopped = new AbortController()
  const touched = new Set<JobId>()
  const waiting = new Map<JobId, readonly PeerId[]>()
  const done = new Set<JobId>()
  let working: Promise<void> | undefined
  let retry: Disposable | undefined

  const pullChunk = async (fold: JobFold, missing: MissingChunk): Promise<boolean> => {
    const { keeper, id } = fold.job
    const holders = [missing.peer, keeper, ...deps.otherHolders()].filter(
      (peer, i, all) => all.indexOf(peer) === i,
    )
    const fetched = await deps.exchange.fetch(missing.chunk, holders, stopped.signal)
    if (!fetched.ok) return false
    const chunk = await deps.chunks.unpack(missing.chunk)
    if (!chunk.ok) {
      log.error('a result chunk cannot be read', { job: id, error: chunk.error })
      return false
    }
    const entries = missing.positions.flatMap((position) => {
      const rows = chunk.value.entries[position]
      return rows === undefined ? [] : [{ position, rows }]
    })
    await views.keepRows(missing.chunk, id, missing.peer, entries)
    return true
  }

  /** True if every counted row is in the store. */
  const pull = async (fold: JobFold): Promise<boolean> => {
    const missing = [...(await views.missingRows(fold.job.id))]
    const away = new Set<PeerId>()
    const pullNext = async (): Promise<void> => {
      for (let next = missing.pop(); next !== undefined; next = missing.pop()) {
        if (stopped.signal.aborted) return
        if (!(await pullChunk(fold, next))) away.add(next.peer)
      }
    }
    await Promise.all(Array.from({ length: limits.chunkPulls }, pullNext))
    if (away.size === 0) waiting.delete(fold.job.id)
    else waiting.set(fold.job.id, [...away])
    return away.size === 0 && !stopped.signal.aborted
  }

  const seal = async (fold: JobFold): Promise<void> => {
    const { id, spec } = fold.job
    const facts = await views.sealFacts(id)
    const [group] = await views.failureGroups(id, 1)
    const verdict = deps.verdict(fold, facts, group?.message ?? '')
    let output = ''
    if (verdict.writeOutput) {
      const rows = outputRows(views, id)
      const folder = deps.outputFolder(id)
      const written = await deps.writer.write(folder, spec.outputFileName, rows, stopped.signal)
      if (!written.ok) {
        log.error('the output could not be written; it will be tried again', {
          error: written.error,
        })
        return again(id)
      }
      output = written.value
    }
    const sealed = await deps.ledger.append([
      {
        kind: 'job-sealed',
        job: id,
        state: verdict.state,
        headline: verdict.headline,
        mapHash: facts.mapHash,
        upTo: facts.upTo,
        miniBatches: facts.miniBatches,
        rows: facts.rows,
        succeeded: facts.succeeded,
        failed: fold.itemsFailed,
        output,
        at: clock.now(),
      },
    ])
    if (!sealed.ok) again(id)
  }

  const work = async (job: JobId): Promise<void> => {
    const fold = await views.job(job)
    if (fold === undefined) return
    const isOurs = fold.job.keeper === deps.self
    if (!isOurs && fold.sealed === null) return
    if (!(await pull(fold))) return again(job)
    if (fold.sealed !== null) {
      done.add(job)
      if (!isOurs) await dropChunks(job)
      return
    }
    if (fold.closed !== null) await seal(fold)
  }

  /** The keeper has every row: nobody else needs the chunks any more. */
  const dropChunks = async (job: JobId): Promise<void> => {
    const chunks = new Set((await views.commits(job)).map((commit) => commit.chunk))
    for (const chunk of chunks) await deps.blobs.delete(chunk)
  }

  const again = (job: JobId): void => {
    if (stopped.signal.aborted) return
    touched.add(job)
    retry ??= clock.after(limits.pullRetryMs, () => {
      retry = undefined
      start()
    })
  }

  const runAll = async (): Promise<void> => {
    while (touched.size > 0 && !stopped.signal.aborted) {
      const jobs = [...touched]
      touched.clear()
      for (const job of jobs) await work(job)
      if (retry !== undefined) return
    }
  }

  const start = (): void => {
    if (working !== undefined || stopped.signal.aborted) return
    working = runAll()
      .catch((thrown: unknown) => {
        if (!stopped.signal.aborted)
          log.error('keeping rows failed', { detail: thrownToText(thrown) })
      })
      .finally(() => {
        working = undefined
        if (touched.size > 0 && retry === undefined) start()
      })
  }

  return {
    jobTouched: (job) => {
      if (done.has(job)) return
      touched.add(job)
      if (retry === undefined) start()
    },
    peerSeen: () => {
      retry?.[Symbol.dispose]()
      retry = undefined
      if (touched.size > 0) start()
    },
    waitsFor: (job) => waiting.get(job) ?? [],
    [Symbol.asyncDispose]: async () => {
      stopped.abort()
      retry?.[Symbol.dispose]()
      await working
    },
  }
}

/** All rows of a job in plan order, a page at a time; failed items have no row. */
async function* outputRows(views: Views, job: JobId): AsyncGenerator<OutputRow> {
  let after: string | undefined
  for (;;) {
    const page = await views.rows({
      job,
      limit: limits.pageRows,
      only: 'rows',
      ...(after === undefined ? {} : { after }),
    })
    for (const row of page.rows)
      if (row.value !== null) yield { item: row.item, name: row.name, value: row.value }
    if (page.next === null) return
    after = page.next
  }
}
