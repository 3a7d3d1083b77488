import { z } from 'zod'
import { limits } from '../../limits.ts'
import { chargeCauses } from '../../model/attempt.ts'
import type { AttemptOutcome, AttemptReport, Lease } from '../../model/attempt.ts'
import type { JobId } from '../../model/ids.ts'
import { compareTerms } from '../../model/term.ts'
import type { LeaseToken, Term } from '../../model/term.ts'
import { createTableReader, encodeColumn, encodeColumns, largestInColumn } from '../columns.ts'
import { attemptRun, blobHash, bytes, jobId, sentence, term } from '../fields.ts'

/**
 * Lists of tokens, leases and reports as tables in columns. A table is what follows on each other in the
 * list and shares its term, job and chunk; so the order is kept, and what is read shares one term.
 */

const most = limits.leasesPerMessage

// --- tokens ------------------------------------------------------------------------------------

export const tokensToWire = (tokens: readonly LeaseToken[]): readonly object[] =>
  tablesOf(tokens, (a, b) => isSame(a.term, b.term)).map((table) => ({
    term: table[0].term,
    leaseIds: encodeColumn(table.map((token) => token.leaseId)),
  }))

export const tokenList: z.ZodType<readonly LeaseToken[]> = z
  .array(z.object({ term, leaseIds: bytes }))
  .max(most)
  .transform((tables) => {
    const read = createTableReader(most)
    return tables.flatMap((table) =>
      read(table, ['leaseIds']).columns.leaseIds.map((leaseId) => ({ term: table.term, leaseId })),
    )
  })

// --- leases ------------------------------------------------------------------------------------

const nameColumns = ['leaseIds', 'miniBatches', 'attempts'] as const
const names = { term, job: jobId, leaseIds: bytes, miniBatches: bytes, attempts: bytes }

export const leasesToWire = (leases: readonly Lease[]): readonly object[] =>
  tablesOf(leases, areOfOneJob).map((table) => ({
    ...namesToWire(table),
    firstItems: encodeColumn(table.map((lease) => lease.firstItem)),
    items: encodeColumn(table.map((lease) => lease.items)),
  }))

export const leaseList: z.ZodType<readonly Lease[]> = z
  .array(z.object({ ...names, firstItems: bytes, items: bytes }))
  .max(most)
  .transform((tables, context) => {
    const read = createTableReader(most)
    return tables.flatMap((table) => {
      const { columns } = read(table, [...nameColumns, 'firstItems', 'items'])
      if (columns.attempts.includes(0) || columns.items.includes(0))
        context.addIssue('attempts and items begin at 1')
      return columns.leaseIds.map((_, at) => ({
        ...namesAt(table, columns, at),
        firstItem: columns.firstItems[at] ?? 0,
        items: columns.items[at] ?? 1,
      }))
    })
  })

// --- reports -----------------------------------------------------------------------------------

/** Times of runs travel as whole microseconds; what a worker process says of its time is not trusted. */
const microsPerMilli = 1_000
const toMicros = (ms: number): number =>
  ms > 0 ? Math.min(Math.round(ms * microsPerMilli), largestInColumn) : 0

const successColumns = ['positions', 'succeeded', 'failed', 'rows', 'runMicros'] as const

export const reportsToWire = (reports: readonly AttemptReport[]): readonly object[] =>
  tablesOf(reports, areOfOneChunk).map((table) => {
    const outcomes = table.map(({ outcome }) => outcome)
    const succeeded = outcomes.filter((outcome) => outcome.kind === 'succeeded')
    const failed = outcomes.filter((outcome) => outcome.kind === 'failed')
    const [first] = succeeded
    return first === undefined
      ? {
          kind: 'failed',
          ...namesToWire(table),
          causes: failed.map(({ cause }) => cause),
          messages: failed.map(({ message }) => message),
          ran: failed.map(({ ran }) => ran ?? null),
        }
      : {
          kind: 'succeeded',
          ...namesToWire(table),
          chunk: first.chunk,
          ...encodeColumns(successColumns, (name) =>
            succeeded.map((outcome) => {
              if (name === 'positions') return outcome.position
              if (name === 'runMicros') return toMicros(outcome.runMs)
              return outcome[name]
            }),
          ),
        }
  })

const succeededTable = z.object({
  kind: z.literal('succeeded'),
  ...names,
  chunk: blobHash,
  positions: bytes,
  succeeded: bytes,
  failed: bytes,
  rows: bytes,
  runMicros: bytes,
})
const failedTable = z.object({
  kind: z.literal('failed'),
  ...names,
  causes: z.array(z.enum(chargeCauses)).max(most),
  messages: z.array(sentence).max(most),
  /** Left out by agents that do not say it. */
  ran: z.array(attemptRun.nullable()).max(most).exactOptional(),
})

type Read = ReturnType<typeof createTableReader>

const readSucceeded = (read: Read, table: z.infer<typeof succeededTable>): AttemptReport[] => {
  const { columns } = read(table, [...nameColumns, ...successColumns])
  return columns.leaseIds.map((_, at) => ({
    ...namesAt(table, columns, at),
    outcome: {
      kind: 'succeeded',
      chunk: table.chunk,
      position: columns.positions[at] ?? 0,
      succeeded: columns.succeeded[at] ?? 0,
      failed: columns.failed[at] ?? 0,
      rows: columns.rows[at] ?? 0,
      runMs: (columns.runMicros[at] ?? 0) / microsPerMilli,
    },
  }))
}

const readFailed = (read: Read, table: z.infer<typeof failedTable>): AttemptReport[] => {
  const { columns } = read(table, nameColumns)
  return columns.leaseIds.map((_, at) => {
    const ran = table.ran?.[at] ?? undefined
    return {
      ...namesAt(table, columns, at),
      outcome: {
        kind: 'failed',
        cause: table.causes[at] ?? 'threw',
        message: table.messages[at] ?? '',
        ...(ran === undefined ? {} : { ran }),
      },
    }
  })
}

export const reportList: z.ZodType<readonly AttemptReport[]> = z
  .array(z.discriminatedUnion('kind', [succeededTable, failedTable]))
  .max(most)
  .transform((tables, context) => {
    const read = createTableReader(most)
    return tables.flatMap((table) => {
      const reports =
        table.kind === 'succeeded' ? readSucceeded(read, table) : readFailed(read, table)
      if (reports.some(({ attempt }) => attempt === 0)) context.addIssue('attempts begin at 1')
      if (
        table.kind === 'failed' &&
        [table.causes, table.messages, table.ran ?? table.causes].some(
          (one) => one.length !== reports.length,
        )
      )
        context.addIssue('columns of different length')
      return reports
    })
  })

// --- details -----------------------------------------------------------------------------------

type Named = Pick<Lease, 'token' | 'job' | 'miniBatch' | 'attempt'>
type Table<Line> = readonly [Line, ...Line[]]

/** Cuts a list where neighbours do not belong together. */
const tablesOf = <Line>(
  list: readonly Line[],
  belong: (a: Line, b: Line) => boolean,
): readonly Table<Line>[] => {
  const tables: [Line, ...Line[]][] = []
  for (const line of list) {
    const last = tables.at(-1)
    if (last !== undefined && belong(last[0], line)) last.push(line)
    else tables.push([line])
  }
  return tables
}

const isSame = (a: Term, b: Term): boolean => a === b || compareTerms(a, b) === 0

const areOfOneJob = (a: Named, b: Named): boolean =>
  a.job === b.job && isSame(a.token.term, b.token.term)

const chunkOf = (outcome: AttemptOutcome): string =>
  outcome.kind === 'succeeded' ? outcome.chunk : ''

const areOfOneChunk = (a: AttemptReport, b: AttemptReport): boolean =>
  areOfOneJob(a, b) && chunkOf(a.outcome) === chunkOf(b.outcome)

const namesToWire = (table: Table<Named>) => ({
  term: table[0].token.term,
  job: table[0].job,
  leaseIds: encodeColumn(table.map(({ token }) => token.leaseId)),
  miniBatches: encodeColumn(table.map(({ miniBatch }) => miniBatch)),
  attempts: encodeColumn(table.map(({ attempt }) => attempt)),
})

const namesAt = (
  table: { readonly term: Term; readonly job: JobId },
  columns: Readonly<Record<(typeof nameColumns)[number], readonly number[]>>,
  at: number,
): Named => ({
  token: { term: table.term, leaseId: columns.leaseIds[at] ?? 0 },
  job: table.job,
  miniBatch: columns.miniBatches[at] ?? 0,
  attempt: columns.attempts[at] ?? 0,
})
