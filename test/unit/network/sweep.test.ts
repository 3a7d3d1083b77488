import { PerformanceObserver, constants } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { sweepAfter } from '#agent/network/sweep.ts'
import { limits } from '#protocol/limits.ts'

test('young garbage is swept every few megabytes of bulk, and not before', async () => {
  let sweeps = 0
  const observer = new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries() as { detail?: { kind?: number } }[])
      if (detail?.kind === constants.NODE_PERFORMANCE_GC_MINOR) sweeps += 1
  })
  observer.observe({ entryTypes: ['gc'] })
  try {
    // Nothing is allocated here, so that V8 has no reason of its own.
    for (let megabytes = 0; megabytes < 512; megabytes += 1) sweepAfter(1_048_576)
    const asked = (512 * 1_048_576) / limits.sweepBytes
    await expect.poll(() => sweeps).toBeGreaterThanOrEqual(asked)
    expect(sweeps).toBeLessThan(2 * asked)
  } finally {
    observer.disconnect()
  }
})
