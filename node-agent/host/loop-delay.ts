import { monitorEventLoopDelay } from 'node:perf_hooks'
import process from 'node:process'
import type { LoopDelayView } from '#protocol/control/care-views.ts'

/**
 * Measures the delay of the event loop if the agent was started with MUSTER_DEBUG=1: each call tells of
 * the time since the last one.
 */
export const measureLoop = (
  owner: DisposableStack | AsyncDisposableStack,
): (() => LoopDelayView) | undefined => {
  if (process.env['MUSTER_DEBUG'] !== '1') return undefined
  const resolution = 5
  const histogram = monitorEventLoopDelay({ resolution })
  histogram.enable()
  owner.defer(() => void histogram.disable())
  // The timer's own period is part of what is measured, and is no delay.
  const toMs = (nanoseconds: number): number =>
    Math.max(0, Math.round(nanoseconds / 1e4) / 100 - resolution)
  return () => {
    const view = {
      meanMs: histogram.count === 0 ? 0 : toMs(histogram.mean),
      p50Ms: toMs(histogram.percentile(50)),
      p99Ms: toMs(histogram.percentile(99)),
      maxMs: histogram.count === 0 ? 0 : toMs(histogram.max),
      samples: histogram.count,
    }
    histogram.reset()
    return view
  }
}
