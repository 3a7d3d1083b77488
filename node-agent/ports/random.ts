import type { JobId } from '#protocol/model/ids.ts'

/** Everything unpredictable. */
export interface Random {
  readonly bytes: (count: number) => Uint8Array
  /** A new job id: 26 characters, lower-case Crockford base32, the first ten ordered by time. */
  readonly jobId: () => JobId
}
