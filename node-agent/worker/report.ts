import { limits } from '#protocol/limits.ts'
import type { WorkerEffect } from './effect.ts'
import type { WorkerState } from './state.ts'

/** Leases or reports in one message, as `protocol/wire/lease` bounds them. */
const many = limits.leasesPerMessage

/** Tells a head everything: it adopts what it can and frees the rest. Idempotent. */
export const greet = (state: WorkerState, effects: WorkerEffect[]): void => {
  state.greetedAt = state.now
  const held = []
  for (const lease of state.leases.values()) {
    if (lease.unwantedSince === null && held.length < many) held.push(lease.lease)
  }
  const reports = [...state.reports.values()].slice(0, many)
  // They travel in the greeting; those beyond its bound in the flush that follows.
  state.unsent = [...state.reports.values()].slice(many)
  effects.push({ kind: 'greetHead', slots: state.draining ? 0 : state.slots, held, reports })
}

/** Sends starts and reports in company; `atOnce` when a chunk was packed, since a job may wait for it. */
export const flush = (state: WorkerState, effects: WorkerEffect[], atOnce: boolean): void => {
  if (state.link !== 'welcomed' || (state.started.length === 0 && state.unsent.length === 0)) return
  if (!atOnce && state.now < state.flushedAt + limits.reportMs) return
  state.flushedAt = state.now
  // A lease that is reported in the same breath need not be told as started.
  const tokens = state.started.filter((token) => state.leases.has(token))
  if (tokens.length > 0) effects.push({ kind: 'sendStarted', tokens })
  const unsent = state.unsent.filter((report) => state.reports.has(report.token))
  for (let at = 0; at < unsent.length; at += limits.leasesPerGrant) {
    effects.push({ kind: 'sendReports', reports: unsent.slice(at, at + limits.leasesPerGrant) })
  }
  state.started = []
  state.unsent = []
}

/** After a time without a head: what runs is told as started again. */
export const tellRunning = (state: WorkerState): void => {
  state.started = []
  for (const held of state.leases.values()) {
    const begun = held.stage === 'running' || held.stage === 'ran' || held.stage === 'packing'
    if (begun && held.unwantedSince === null) state.started.push(held.lease.token)
  }
}
