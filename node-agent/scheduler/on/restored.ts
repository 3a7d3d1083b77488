import { limits } from '#protocol/limits.ts'
import type { JobId, MiniBatchIndex } from '#protocol/model/ids.ts'
import type { Charge } from '#protocol/model/record.ts'
import { cell } from '../columns.ts'
import type { Decisions } from '../decisions.ts'
import { jobEntry } from '../jobs.ts'
import { revokeOthers } from '../leases.ts'
import {
  setState,
  stateOf,
  type JobEntry,
  type RestoredCommit,
  type SchedulerState,
} from '../state.ts'

/** Commits that stand in the ledger, in any order and perhaps told before. */
export const onCommitsRestored = (
  state: SchedulerState,
  fact: { readonly job: JobId; readonly commits: readonly RestoredCommit[] },
  decisions: Decisions,
): void => {
  const entry = jobEntry(state, fact.job)
  if (entry === undefined || entry.forgotten) return
  entry.begun = true
  for (const commit of fact.commits) {
    if (commit.miniBatch < entry.columns.count) restoreCommit(state, entry, commit, decisions)
    else if (entry.earlyCommits.size < limits.earlyFacts) {
      if (!entry.earlyCommits.has(commit.miniBatch))
        entry.earlyCommits.set(commit.miniBatch, commit)
    }
  }
  decisions.touched.add(entry)
}

/** Charges that stand in the ledger, the same. */
export const onChargesRestored = (
  state: SchedulerState,
  fact: { readonly job: JobId; readonly charges: readonly Charge[] },
  decisions: Decisions,
): void => {
  const entry = jobEntry(state, fact.job)
  if (entry === undefined || entry.forgotten) return
  entry.begun = true
  for (const charge of fact.charges) {
    if (charge.miniBatch < entry.columns.count) restoreCharge(state, entry, charge, decisions)
    else if (entry.earlyCharges.length < limits.earlyFacts) entry.earlyCharges.push(charge)
  }
  decisions.touched.add(entry)
}

/**
 * Records of several heads arrive in any order, also after the end of their job: committed wins over failed,
 * failed over cancelled, so that every agent folds the same.
 */
export const restoreCommit = (
  state: SchedulerState,
  entry: JobEntry,
  commit: RestoredCommit,
  decisions: Decisions,
): void => {
  const { miniBatch } = commit
  raiseAttempt(entry, miniBatch, commit.attempt)
  if (stateOf(entry, miniBatch) === cell.committed) return
  countCommit(entry, miniBatch, commit.failed)
  revokeOthers(state, decisions, entry, miniBatch)
}

export const restoreCharge = (
  state: SchedulerState,
  entry: JobEntry,
  charge: Charge,
  decisions: Decisions,
): void => {
  const { miniBatch } = charge
  raiseAttempt(entry, miniBatch, charge.attempt)
  countCharge(entry, charge)
  // Two heads may together have charged more than the limit; failed is only what one of them called failed, as
  // in everybody's views. Else it is tried once more, and that charge will be the last.
  if (!charge.final || stateOf(entry, miniBatch) === cell.committed) return
  setState(entry, miniBatch, cell.failed)
  revokeOthers(state, decisions, entry, miniBatch)
}

/** Books a commit: an item counts as failed only within the mini-batch's own items. */
export const countCommit = (
  entry: JobEntry,
  miniBatch: MiniBatchIndex,
  failedItems: number,
): void => {
  setState(entry, miniBatch, cell.committed)
  const failed = Math.min(failedItems, entry.columns.items[miniBatch] ?? 0)
  if (failed === 0) return
  entry.failedItemsOf.set(miniBatch, failed)
  entry.failedItems += failed
}

/** Books a charge; false if it was booked before. */
export const countCharge = (entry: JobEntry, charge: Charge): boolean => {
  const key = `${String(charge.miniBatch)}/${String(charge.attempt)}/${charge.peer}`
  if (entry.chargeKeys.has(key)) return false
  entry.chargeKeys.add(key)
  entry.columns.charged[charge.miniBatch] = (entry.columns.charged[charge.miniBatch] ?? 0) + 1
  if (entry.firstFailure === '') entry.firstFailure = charge.message
  return true
}

const raiseAttempt = (entry: JobEntry, miniBatch: MiniBatchIndex, attempt: number): void => {
  if ((entry.columns.attempt[miniBatch] ?? 0) < attempt) entry.columns.attempt[miniBatch] = attempt
}
