import { limits } from '#protocol/limits.ts'
import type { JobId, MiniBatchIndex } from '#protocol/model/ids.ts'
import type { Charge } from '#protocol/model/record.ts'
import { cell } from '../columns.ts'
import type { Decisions } from '../decisions.ts'
import { endParts, reach, runInHalves, type Reach } from '../halving.ts'
import { jobEntry } from '../jobs.ts'
import { revokeOthers } from '../leases.ts'
import { addCharged, isOpenCell, itemsOf, raiseAttempt, setState, stateOf } from '../cells.ts'
import type { JobEntry, RestoredCommit, SchedulerState } from '../state.ts'

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
    if (restoreCommit(state, entry, commit, decisions) !== 'later') continue
    if (entry.earlyCommits.size >= limits.earlyFacts || entry.earlyCommits.has(commit.miniBatch))
      continue
    entry.earlyCommits.set(commit.miniBatch, commit)
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
    if (restoreCharge(state, entry, charge, decisions) !== 'later') continue
    if (entry.earlyCharges.length < limits.earlyFacts) entry.earlyCharges.push(charge)
  }
  decisions.touched.add(entry)
}

/** Halvings that stand in the ledger, the same. */
export const onHalvingsRestored = (
  state: SchedulerState,
  fact: { readonly job: JobId; readonly parents: readonly MiniBatchIndex[] },
  decisions: Decisions,
): void => {
  const entry = jobEntry(state, fact.job)
  if (entry === undefined || entry.forgotten) return
  entry.begun = true
  for (const parent of fact.parents) {
    if (restoreHalving(state, entry, parent, decisions) !== 'later') continue
    if (entry.earlyHalvings.length < limits.earlyFacts) entry.earlyHalvings.push(parent)
  }
  decisions.touched.add(entry)
}

/**
 * Records of several heads arrive in any order, also after the end of their job: committed wins over halved,
 * halved over failed, failed over canceled, and the whole over its parts, so that every agent folds the same.
 * Each says `later` while the plan known so far does not have its mini-batch.
 */
export const restoreCommit = (
  state: SchedulerState,
  entry: JobEntry,
  commit: RestoredCommit,
  decisions: Decisions,
): Reach => {
  const { miniBatch } = commit
  const reached = reach(state, decisions, entry, miniBatch)
  if (reached !== 'known') return reached
  raiseAttempt(entry, miniBatch, commit.attempt)
  const before = stateOf(entry, miniBatch)
  if (before === cell.committed || before === cell.void) return reached
  countCommit(entry, miniBatch, commit.failed)
  if (before === cell.halved) endParts(state, decisions, entry, miniBatch)
  revokeOthers(state, decisions, entry, miniBatch)
  return reached
}

export const restoreHalving = (
  state: SchedulerState,
  entry: JobEntry,
  parent: MiniBatchIndex,
  decisions: Decisions,
): Reach => {
  const reached = reach(state, decisions, entry, parent)
  if (reached === 'known') runInHalves(state, decisions, entry, parent)
  return reached
}

export const restoreCharge = (
  state: SchedulerState,
  entry: JobEntry,
  charge: Charge,
  decisions: Decisions,
): Reach => {
  const { miniBatch } = charge
  const reached = reach(state, decisions, entry, miniBatch)
  if (reached !== 'known') return reached
  raiseAttempt(entry, miniBatch, charge.attempt)
  countCharge(entry, charge)
  // Two heads may together have charged more than the limit; failed is only what one of them called failed, as
  // in everybody's views. Else it is tried once more, and that charge will be the last.
  const before = stateOf(entry, miniBatch)
  const isOpen = isOpenCell(before) || before === cell.canceled
  if (!charge.final || !isOpen) return reached
  setState(entry, miniBatch, cell.failed)
  revokeOthers(state, decisions, entry, miniBatch)
  return reached
}

/** Books a commit: an item counts as failed only within the mini-batch's own items. */
export const countCommit = (
  entry: JobEntry,
  miniBatch: MiniBatchIndex,
  failedItems: number,
): void => {
  setState(entry, miniBatch, cell.committed)
  const failed = Math.min(failedItems, itemsOf(entry, miniBatch))
  if (failed === 0) return
  entry.failedItemsOf.set(miniBatch, failed)
  entry.failedItems += failed
}

/** Books a charge; false if it was booked before. */
export const countCharge = (entry: JobEntry, charge: Charge): boolean => {
  const key = `${String(charge.miniBatch)}/${String(charge.attempt)}/${charge.peer}`
  if (entry.chargeKeys.has(key)) return false
  entry.chargeKeys.add(key)
  addCharged(entry, charge.miniBatch)
  if (entry.firstFailure === '') entry.firstFailure = charge.message
  return true
}
