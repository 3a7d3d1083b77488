import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { freshMemory, lookAtFolder, lookAtTimes, upTo } from '#agent/job/schedule.ts'
import type { ScheduleMemory } from '#agent/job/schedule.ts'

/** Due at every full minute. */
const next = (after: number): number => (Math.floor(after / 60_000) + 1) * 60_000
const late = 10_000
const at = (now: number, isBusy = false, isPaused = false) => ({ now, isBusy, isPaused })

describe('a timetable', () => {
  it('starts a run when a time has come, once', () => {
    const fresh = freshMemory(30_000)
    expect(lookAtTimes(fresh, at(59_999), next, late)).toEqual({ memory: fresh })
    const due = lookAtTimes(fresh, at(60_500), next, late)
    expect(due.dueAt).toBe(60_000)
    expect(lookAtTimes(due.memory, at(61_000), next, late).dueAt).toBeUndefined()
    expect(lookAtTimes(due.memory, at(120_000), next, late).dueAt).toBe(120_000)
  })

  it('tells a time that was missed, and does not make up for it', () => {
    const missed = lookAtTimes(freshMemory(0), at(75_000), next, late)
    expect(missed.dueAt).toBeUndefined()
    expect(missed.memory).toMatchObject({ missedAt: 60_000, missed: 'the agent did not run' })
    const after = lookAtTimes(freshMemory(0), at(301_000), next, late)
    expect([after.dueAt, after.memory.missedAt]).toEqual([300_000, 60_000])
  })

  it('leaves a time out at which the run before still runs', () => {
    const busy = lookAtTimes(freshMemory(0), at(60_000, true), next, late)
    expect(busy).toMatchObject({ memory: { missedAt: 60_000, settledTo: 60_000 } })
    expect(busy.dueAt).toBeUndefined()
    expect(lookAtTimes(busy.memory, at(120_000), next, late).dueAt).toBe(120_000)
  })

  it('goes on after a clock that ran ahead was put right', () => {
    const year = 365 * 24 * 3_600_000
    const ahead = lookAtTimes(freshMemory(year), at(year + 60_000), next, late).memory
    expect(lookAtTimes(ahead, at(120_000), next, late).dueAt).toBeUndefined()
    const right = upTo(ahead, 90_000, late)
    expect(lookAtTimes(right, at(120_000), next, late).dueAt).toBe(120_000)
    expect(upTo(right, 85_000, late)).toBe(right)
  })

  it('starts nothing while it is paused, tells of nothing missed, and makes up for nothing', () => {
    const paused = lookAtTimes(freshMemory(0), at(300_500, false, true), next, late)
    expect(paused).toEqual({ memory: { ...freshMemory(0), settledTo: 300_000 } })
    expect(lookAtTimes(paused.memory, at(301_000), next, late).dueAt).toBeUndefined()
    expect(lookAtTimes(paused.memory, at(360_000), next, late).dueAt).toBe(360_000)
  })

  it('never starts two runs for one time, however often it is looked at', () => {
    const looks = fc.array(fc.record({ pass: fc.nat(200_000), isBusy: fc.boolean() }))
    fc.assert(
      fc.property(looks, (all) => {
        let memory = freshMemory(0)
        let now = 0
        const started: number[] = []
        for (const { pass, isBusy } of all) {
          now += pass
          const look = lookAtTimes(memory, at(now, isBusy), next, late)
          memory = look.memory
          if (look.dueAt !== undefined) {
            expect(now - look.dueAt).toBeLessThanOrEqual(late)
            started.push(look.dueAt)
          }
        }
        expect(started).toEqual([...new Set(started)].toSorted((a, b) => a - b))
      }),
    )
  })
})

describe('a watched folder', () => {
  const look = (memory: ScheduleMemory, now: number, signature: string, isBusy = false) =>
    lookAtFolder(memory, { now, isBusy }, { signature, files: signature === '' ? 0 : 1 }, 5_000)

  it('starts a run when what came has been quiet, and not again for the same', () => {
    const seen = look(freshMemory(0), 1_000, 'a')
    expect(seen.dueAt).toBeUndefined()
    const changed = look(seen.memory, 4_000, 'b')
    expect(look(changed.memory, 8_000, 'b').dueAt).toBeUndefined()
    const due = look(changed.memory, 9_000, 'b')
    expect(due.dueAt).toBe(9_000)
    expect(look(due.memory, 60_000, 'b').dueAt).toBeUndefined()
  })

  it('waits for the run before, and starts nothing for an empty folder', () => {
    const { memory } = look(freshMemory(0), 0, 'a')
    expect(look(memory, 9_000, 'a', true).dueAt).toBeUndefined()
    expect(look(memory, 12_000, 'a').dueAt).toBe(12_000)
    const empty = look(look(freshMemory(0), 0, '').memory, 9_000, '')
    expect(empty.dueAt).toBeUndefined()
  })
})
