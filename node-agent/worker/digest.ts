import { entries } from './fifo.ts'
import type { HeldLease, WorkerJob, WorkerState } from './state.ts'

/** Equal histories give equal texts. A worker holds at most some thousand leases, so plain text will do. */
export const digest = (state: WorkerState): string =>
  JSON.stringify([
    [state.self, state.now, state.term, state.link, state.greetedAt],
    [state.slots, state.slotsReason, state.draining, state.nextProcess],
    [...state.jobs.values()].map(jobToFields),
    [...state.ended],
    [...state.leases.values()].map((held) => ({
      ...held,
      joined: held.joined?.map(nameOf) ?? null,
    })),
    [...state.processes.values()].map((process) => ({
      ...process,
      queue: process.queue.map(nameOf),
      timedOut: process.timedOut === null ? null : nameOf(process.timedOut),
    })),
    [...state.reports.values()],
    [state.started, state.unsent, state.flushedAt, state.fetching, state.inputBytes],
  ])

const nameOf = (held: HeldLease): string =>
  `${String(held.lease.miniBatch)}/${String(held.lease.attempt)}/${String(held.lease.token.leaseId)}`

const jobToFields = (entry: WorkerJob): unknown => ({
  ...entry,
  unfinished: [...entry.unfinished].map(nameOf),
  toFetch: entries(entry.toFetch).map(nameOf),
  ready: entries(entry.ready).map(nameOf),
  rows: entry.rows.map(nameOf),
})
