import type { SegmentRules } from '#protocol/wire/ledger/segment-rules.ts'
import { checkSegment, encodeBody, readSegment, recordsOfStored, sealSegments } from './segment.ts'
import type { SegmentKeys } from './segment.ts'

/** Binds the rules to the agent's key. */
export const createLedgerRules = (keys: SegmentKeys): SegmentRules => ({
  encode: encodeBody,
  seal: (cluster, end, bodies) => sealSegments(keys, cluster, end, bodies),
  open: readSegment,
  check: (cluster, held, input) => checkSegment(keys, cluster, held, input),
  stored: (bytes, wanted) => recordsOfStored(keys, bytes, wanted),
  sha256: keys.sha256,
})
