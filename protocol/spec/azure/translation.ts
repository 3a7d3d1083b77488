import type { AwaitedOutput } from './commands.ts'
import type { AzureFault, AzureNote, AzurePath, Fields } from './file.ts'

/** An Azure ML file in the form of a job or pipeline file. */
export interface AzureTranslation {
  /** Fields of a job file, or of a pipeline file if there are several parallel steps. */
  readonly fields: Fields
  /** Where in the Azure file a place of `fields` came from. */
  readonly origin: (path: AzurePath) => AzurePath
  readonly warnings: readonly AzureNote[]
  readonly faults: readonly AzureFault[]
  /** What commands would have written: it must be there. */
  readonly awaited: readonly AwaitedOutput[]
  /** Such a file never names its data: it is said beside it. Left out: false. */
  readonly isWithoutData?: boolean
  /** Its mini-batches are counts of files, whatever its data is. Left out: false. */
  readonly countsFiles?: boolean
}
