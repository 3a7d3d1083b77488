import { describe, expect, test } from 'vitest'
import { simulate, type SimulationResult } from './scenario.ts'

/** MUSTER_SIM_SEED=n replays one seed; MUSTER_SIM_SEEDS=n runs that many. */
const replayed = process.env['MUSTER_SIM_SEED']
const seeds =
  replayed === undefined
    ? Array.from({ length: Number(process.env['MUSTER_SIM_SEEDS'] ?? 50) }, (_, i) => i + 1)
    : [Number(replayed)]

describe('a whole cluster with everything going wrong', () => {
  test(`${String(seeds.length)} seeds: each mini-batch counts once and every job ends`, () => {
    const totals = new Map<string, number>()
    const failed: SimulationResult[] = []
    for (const seed of seeds) {
      const result = simulate(seed)
      for (const [what, times] of result.counts) totals.set(what, (totals.get(what) ?? 0) + times)
      if (result.problems.length > 0) failed.push(result)
    }
    const lines = [...totals].sort(([a], [b]) => (a < b ? -1 : 1))
    console.log(lines.map(([what, times]) => `${String(times).padStart(9)}  ${what}`).join('\n'))
    for (const { seed, problems } of failed) {
      console.log(
        `seed ${String(seed)} (replay: MUSTER_SIM_SEED=${String(seed)})`,
        problems.slice(0, 25),
      )
    }
    expect(failed.map(({ seed }) => seed)).toEqual([])
    if (replayed !== undefined) return
    // A simulation that breaks nothing proves nothing.
    for (const fault of [
      'messages lost',
      'messages doubled',
      'messages late',
      'workers crashed',
      'heads crashed',
      'peers lost',
      'peers cut off',
      'two heads',
      'owners come and go',
      'data away',
      'runs that throw',
      'runs that hang',
      'runs of several mini-batches',
      'runs of several that fell apart',
      'processes crashed',
      'heads crashed at an effect',
      'workers crashed at an effect',
      'records lost in a crash',
      'records durable without a word',
      'jobs canceled',
      'jobs paused',
      'jobs resumed',
      'pools changed',
      'deadly items met',
      'mini-batches halved',
      'jobs past progress_update_timeout',
      'jobs past first_task_creation_timeout',
      'charges for inputs that never come',
      'jobs ended: finished',
      'jobs ended: aborted',
      'jobs ended: canceled',
      'commits that were double work',
    ]) {
      expect(totals.get(fault) ?? 0, fault).toBeGreaterThan(0)
    }
  }, 120_000)

  test('equal seeds give equal histories', () => {
    const [a, b] = [simulate(7), simulate(7)]
    expect(a.digest).toBe(b.digest)
    expect([...a.counts]).toEqual([...b.counts])
  })
})
