import { asJobId, asPeerId } from '#protocol/model/ids.ts'
import type { FileInput } from '#protocol/model/input.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import { digitsSpec } from '#test/support/job-specs.ts'

export const job = asJobId('01jd3x8w5k7m9n2p4q6r8s0t1v')
export const peer = asPeerId('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')

/** A complete spec over one folder. */
export const specOf = (
  input: Partial<FileInput> & { readonly root: string },
  miniBatchSize = 10,
): JobSpec =>
  digitsSpec({
    inputs: [{ kind: 'files', name: 'digits', patterns: ['**/*'], ...input }],
    miniBatchSize: { kind: 'items', items: miniBatchSize },
  })
