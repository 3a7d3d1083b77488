import type { MusterError } from '#protocol/errors.ts'
import type { Millis } from '#protocol/model/ids.ts'
import type { Result } from '#protocol/model/result.ts'

/** Reads cron expressions. */
export interface Timetable {
  /** Why an expression or its time zone is wrong, in one sentence; undefined for a good one. */
  readonly problem: (expression: string, timezone: string | undefined) => string | undefined
  /** The first due time after a moment; undefined if there is none. The expression must be good. */
  readonly next: (
    expression: string,
    timezone: string | undefined,
    after: Millis,
  ) => Millis | undefined
}

/** What lies in a watched folder, as far as changes must be noticed. */
export interface FolderLook {
  /** Differs when a file came, went, or has another size or time. */
  readonly signature: string
  readonly files: number
}

/** Looks at folders again and again. */
export interface FolderWatch {
  readonly look: (
    path: string,
    patterns: readonly string[],
    signal: AbortSignal,
  ) => Promise<Result<FolderLook, MusterError>>
}
