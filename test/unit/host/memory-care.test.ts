import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createQuietness } from '#agent/host/memory-care.ts'
import { limits } from '#protocol/limits.ts'

const { memoryLookMs, memoryQuietLooks, memoryWorkMs } = limits
const quiet = { busyMs: memoryLookMs / 100, share: 0.01 }
const busy = { busyMs: memoryLookMs / 2, share: 0.5 }

/** Of so many looks in a row, those at which the agent has become quiet. */
const countOf = (asked: ReturnType<typeof createQuietness>, looks: number): number =>
  Array.from({ length: looks }, () => asked(quiet)).filter(Boolean).length

describe('an agent has become quiet', () => {
  it('at the first quiet look after its start, and then never while it has no work', () => {
    const asked = createQuietness()
    expect(asked(busy)).toBe(false)
    expect(asked(quiet)).toBe(true)
    expect(countOf(asked, 1_000)).toBe(0)
  })

  it('a minute after its last work, once', () => {
    const asked = createQuietness()
    asked(quiet)
    asked(busy)
    expect(countOf(asked, memoryQuietLooks - 1)).toBe(0)
    asked(busy)
    expect(countOf(asked, memoryQuietLooks - 1)).toBe(0)
    expect(countOf(asked, 1_000)).toBe(1)
  })

  it('not after a little that it had to do: only when that has summed up', () => {
    const asked = createQuietness()
    asked(quiet)
    const little = { busyMs: memoryWorkMs * 0.4, share: 0.1 }
    const once = (): number => {
      asked(little)
      return countOf(asked, memoryQuietLooks * 2)
    }
    expect([once(), once(), once(), once()]).toEqual([0, 0, 1, 0])
  })

  it('never twice without work between, whatever the looks', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (looks) => {
        const asked = createQuietness()
        let workedMs: number = memoryWorkMs
        for (const isBusy of looks) {
          if (isBusy) workedMs += busy.busyMs
          if (asked(isBusy ? busy : quiet)) {
            expect(isBusy).toBe(false)
            expect(workedMs).toBeGreaterThanOrEqual(memoryWorkMs)
            workedMs = 0
          }
        }
      }),
    )
  })
})
