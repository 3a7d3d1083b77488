import { limits } from '#protocol/limits.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { PlannedTable } from '#protocol/model/plan.ts'

/**
 * Footers of Parquet files whose rows are streamed: one may have megabytes, and every mini-batch of its file needs
 * it. A file is named by what the plan says of it; the data's peer sends nothing of one that is no longer so.
 */
export interface Footers {
  /**
   * Which footers of these files are here and which are to be fetched by the caller: one that somebody else is
   * fetching is waited for. @throws the signal's reason
   */
  readonly claim: (
    job: JobId,
    files: readonly PlannedTable[],
    signal: AbortSignal,
  ) => Promise<FooterClaim>
  readonly jobEnded: (job: JobId) => void
}

/** Ends where its fetching ends, with or without a footer. */
export interface FooterClaim extends Disposable {
  /** Undefined: it is to be fetched. */
  readonly held: (file: PlannedTable) => Uint8Array | undefined
  /** It was fetched. `footer` is kept as it is. */
  readonly keep: (file: PlannedTable, footer: Uint8Array) => void
}

export const createFooters = (mostBytes: number = limits.keptFooterBytes): Footers => {
  const kept = createKept(mostBytes)
  const coming = new Map<string, Promise<void>>()
  return {
    claim: async (job, files, signal) => {
      const keys = new Set(files.filter((file) => file.tailBytes > 0).map((f) => keyOf(job, f)))
      for (;;) {
        signal.throwIfAborted()
        const others = [...keys].flatMap((key) => coming.get(key) ?? [])
        if (others.length === 0) break
        await orAborted(Promise.all(others), signal)
      }
      // Held from here on, whatever is pushed out meanwhile.
      const held = new Map([...keys].map((key) => [key, kept.take(key)] as const))
      const { promise, resolve } = Promise.withResolvers<void>()
      for (const [key, bytes] of held) if (bytes === undefined) coming.set(key, promise)
      return {
        held: (file) => held.get(keyOf(job, file)),
        keep: (file, footer) => {
          const key = keyOf(job, file)
          if (held.get(key) !== undefined) return
          held.set(key, footer)
          // Not if its job has ended meanwhile.
          if (coming.get(key) === promise) kept.put(key, footer)
        },
        [Symbol.dispose]: () => {
          for (const key of keys) if (coming.get(key) === promise) coming.delete(key)
          resolve()
        },
      }
    },
    jobEnded: (job) => {
      const own = `${job}/`
      kept.drop(own)
      for (const key of coming.keys()) if (key.startsWith(own)) coming.delete(key)
    },
  }
}

const keyOf = (job: JobId, { input, bytes, modifiedMs, tailBytes, name }: PlannedTable): string =>
  `${job}/${input} ${bytes} ${modifiedMs} ${tailBytes} ${name}`

/** The ones used last, up to so many bytes. */
const createKept = (mostBytes: number) => {
  const footers = new Map<string, Uint8Array>()
  let bytes = 0
  const remove = (key: string): Uint8Array | undefined => {
    const found = footers.get(key)
    if (footers.delete(key)) bytes -= found?.length ?? 0
    return found
  }
  const put = (key: string, footer: Uint8Array): void => {
    remove(key)
    footers.set(key, footer)
    bytes += footer.length
    for (const oldest of footers.keys()) {
      if (bytes <= mostBytes) break
      remove(oldest)
    }
  }
  return {
    put,
    take: (key: string): Uint8Array | undefined => {
      const found = remove(key)
      if (found !== undefined) put(key, found)
      return found
    },
    drop: (begin: string): void => {
      for (const key of footers.keys()) if (key.startsWith(begin)) remove(key)
    },
  }
}

const orAborted = (work: Promise<unknown>, signal: AbortSignal): Promise<unknown> => {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', abort))
}
