import type { BlobHash } from '#protocol/model/ids.ts'
import type { LeaseToken } from '#protocol/model/term.ts'
import type { WorkerEffect } from '../effect.ts'
import { drop, giveBack, report } from '../leases.ts'
import type { HeldLease, WorkerState } from '../state.ts'

/** Rows are durable: their attempts may be reported. */
export const onChunkPacked = (
  state: WorkerState,
  fact: { readonly chunk: BlobHash; readonly tokens: readonly LeaseToken[] },
  effects: WorkerEffect[],
): void => {
  for (const [position, token] of fact.tokens.entries()) {
    const held = state.leases.get(token)
    if (held?.stage !== 'packing' || held.outcome === null) continue
    if (held.unwantedSince !== null) {
      drop(state, effects, held)
      continue
    }
    const { succeeded, failed, rows, runMs } = held.outcome
    const { chunk } = fact
    report(state, held, { kind: 'succeeded', chunk, position, succeeded, failed, rows, runMs })
  }
}

/** The rows are lost: the leases go back without cost, since no run failed. */
export const onChunkFailed = (
  state: WorkerState,
  fact: { readonly tokens: readonly LeaseToken[]; readonly message: string },
  effects: WorkerEffect[],
): void => {
  const lost: HeldLease[] = []
  for (const token of fact.tokens) {
    const held = state.leases.get(token)
    if (held?.stage === 'packing') lost.push(held)
  }
  giveBack(state, effects, lost, { reason: 'process-replaced', message: fact.message })
}
