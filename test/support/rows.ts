import type { RunOutcome } from '#agent/ports/runtime.ts'

/** The rows of a run as JSON texts. */
export const rowsOf = ({ lines, items }: RunOutcome & { kind: 'succeeded' }): readonly string[] =>
  items.length === 0 ? [] : Buffer.from(lines).toString('utf8').split('\n')
