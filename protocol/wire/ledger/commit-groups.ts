import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { CommitGroup } from '../../model/record.ts'
import { createTableReader, encodeColumns } from '../columns.ts'
import { blobHash, bytes, peerId } from '../fields.ts'

/** The columns of a commit group, the first of which says how many there are. */
const commitColumns = [
  'miniBatches',
  'attempts',
  'positions',
  'succeeded',
  'failed',
  'rows',
] as const
/** Commits of a record, as its bytes have them; all groups together are bounded. */
export const commitGroups: z.ZodType<readonly CommitGroup[]> = z
  .array(
    z.object({
      peer: peerId,
      chunk: blobHash,
      miniBatches: bytes,
      attempts: bytes,
      positions: bytes,
      succeeded: bytes,
      failed: bytes,
      rows: bytes,
    }),
  )
  .max(limits.commitsPerRecord)
  .transform((list) => {
    const read = createTableReader(limits.commitsPerRecord)
    return list.map((group) => ({
      peer: group.peer,
      chunk: group.chunk,
      ...read(group, commitColumns).columns,
    }))
  })
export const commitGroupToWire = (group: CommitGroup) => ({
  peer: group.peer,
  chunk: group.chunk,
  ...encodeColumns(commitColumns, (name) => group[name]),
})
