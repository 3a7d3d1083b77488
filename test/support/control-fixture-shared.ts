import type { PoolView } from '#protocol/control/sharing-api.ts'
import type { DeltaLog } from '#agent/control/delta-log.ts'
import type { JobView } from '#protocol/control/job-views.ts'

/** What the handlers of one fixture agree on. */
export interface Shared {
  readonly home: string
  readonly deltas: DeltaLog
  readonly jobs: Map<string, JobView>
  readonly pools: Map<string, PoolView>
  readonly rows: number
  webAddress: string
  readonly stop: () => void
}

export const newestFirst = (jobs: Shared['jobs']): JobView[] => [...jobs.values()].toReversed()

/** Stands for an exported file: one line a row, and the format in front. */
export const exportedText = (format: string, rows: number): string =>
  [format, ...Array.from({ length: rows }, (_, i) => `é${i}`)].map((line) => `${line}\n`).join('')
