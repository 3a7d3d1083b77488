import type { JobId } from '#protocol/model/ids.ts'
import type { SideInput } from '#protocol/model/input.ts'

/** Folders of this agent that hold something of one job. Rejects if the disk does not let them go. */
export interface JobLeavings {
  /** Removes the job's output folder, with its logs, and what its worker processes printed here. */
  readonly remove: (job: JobId) => Promise<void>
  /** Removes a side input as it was laid out for worker processes. */
  readonly removeSideInput: (input: Pick<SideInput, 'files'>) => Promise<void>
}
