import type { LeaseToken } from '#protocol/model/term.ts'
import type { WorkerEffect } from '../effect.ts'
import { giveBack, setStage } from '../leases.ts'
import { workerJob, type WorkerState } from '../state.ts'

export const onInputArrived = (
  state: WorkerState,
  fact: { readonly token: LeaseToken; readonly bytes: number },
): void => {
  const held = state.leases.get(fact.token)
  if (held?.stage !== 'fetching') return
  held.bytes = fact.bytes
  const entry = workerJob(state, held.lease.job)
  entry.inputBytes =
    entry.inputBytes === null ? fact.bytes : entry.inputBytes * 0.8 + fact.bytes * 0.2
  setStage(state, held, 'ready')
}

export const onInputFailed = (
  state: WorkerState,
  fact: { readonly token: LeaseToken; readonly message: string },
  effects: WorkerEffect[],
): void => {
  const held = state.leases.get(fact.token)
  if (held?.stage !== 'fetching') return
  // Nothing is left to forget: the fetch ended by itself.
  setStage(state, held, 'waiting')
  giveBack(state, effects, [held], { reason: 'input-unreachable', message: fact.message })
}
