import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonical, contentsOf, mayTake, racyMs, reuseText } from '#agent/job/reuse.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import type { FilePlanChunk, PlannedItem } from '#protocol/model/plan.ts'
import { jobNumbered, jobOf } from '#test/support/ledger-fixtures.ts'

const spec: JobSpec = jobOf(jobNumbered(0), asPeerId('anna')).spec
const text = (change: Partial<JobSpec> = {}, contents = {}): string =>
  reuseText({ ...spec, ...change } as JobSpec, '1.0.0', contents)

describe('what rows are computed from', () => {
  it.for([
    ['its name', { name: 'other' }],
    ['its description', { description: 'other' }],
    ['tags', { tags: { a: 'b' } }],
    ['patience', { runLimitMs: 1, maxAttempts: 9, errorThreshold: 0 }],
    ['where it runs', { peerCount: 1, processesPerPeer: 2, inPlace: false }],
    ['the output file', { outputFileName: 'other.csv' }],
  ] as const)('does not include %s', ([, change]) => {
    expect(text(change)).toBe(text())
  })

  it.for([
    ['the model', { model: { name: 'mnist', version: 2, files: [] } }],
    ['preprocessing', { preprocess: { width: 1 } }],
    ['the device', { device: 'gpu' }],
    ['the mini-batch size', { miniBatchSize: { kind: 'items', items: 3 } }],
    ['where the input is', { inputs: [{ ...spec.inputs[0], root: '/elsewhere' }] }],
    ['which files are chosen', { inputs: [{ ...spec.inputs[0], patterns: ['*.gif'] }] }],
    ['the output action', { outputAction: 'summary_only' }],
  ] as const)('includes %s', ([, change]) => {
    expect(text(change as Partial<JobSpec>)).not.toBe(text())
  })

  it('includes the version, and content in place of a folder where that is known', () => {
    expect(reuseText(spec, '1.0.1')).not.toBe(text())
    const name = spec.inputs[0]?.name ?? ''
    const moved = { inputs: [{ ...spec.inputs[0]!, root: '/elsewhere' }] }
    expect(text(moved, { [name]: 'abc' })).toBe(text({}, { [name]: 'abc' }))
    expect(text({}, { [name]: 'abd' })).not.toBe(text({}, { [name]: 'abc' }))
  })

  it('is written the same way whatever the order of fields', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).toReversed())
        expect(canonical(turned)).toBe(canonical(value))
      }),
    )
  })
})

const plannedAt = 1_000_000
const item = (name: string, modifiedMs = 5): PlannedItem => ({
  name,
  bytes: 3,
  modifiedMs,
  input: 0,
})
const chunkOf = (items: readonly PlannedItem[], size: number): FilePlanChunk => {
  const whole = Math.floor(items.length / size)
  const rest = items.length % size
  return {
    kind: 'files',
    job: jobNumbered(0),
    chunk: 0,
    firstItem: 0,
    firstMiniBatch: 0,
    runs: [
      ...(whole === 0 ? [] : [{ count: whole, items: size }]),
      ...(rest === 0 ? [] : [{ count: 1, items: rest }]),
    ],
    partitions: [],
    items,
    last: true,
  }
}

/** Numbers of the mini-batches whose rows may be taken over. */
const taken = (
  now: readonly PlannedItem[],
  earlier: readonly PlannedItem[],
  pinned = false,
): readonly number[] => {
  const before = contentsOf(chunkOf(earlier, 2), pinned)
  return contentsOf(chunkOf(now, 2), pinned)
    .filter((content, i) => {
      const other = before[i]
      return other !== undefined && mayTake(content, other, { seenAt: plannedAt, pinned })
    })
    .map(({ miniBatch }) => miniBatch)
}

describe('mini-batches', () => {
  const five = ['a', 'b', 'c', 'd', 'e'].map((name) => item(name))

  it('are taken over where nothing changed, and computed where a file did', () => {
    expect(taken(five, five)).toEqual([0, 1, 2])
    expect(taken(five.with(2, item('c', 6)), five)).toEqual([0, 2])
    expect(taken(five.with(2, { ...item('c'), bytes: 4 }), five)).toEqual([0, 2])
    expect(taken([...five, item('f')], five)).toEqual([0, 1])
    expect(taken([item('0'), ...five], five)).toEqual([])
  })

  it('are computed where a file was written just before it was planned', () => {
    const fresh = five.with(4, item('e', plannedAt - racyMs))
    expect(taken(fresh, fresh)).toEqual([0, 1])
  })

  it('are taken over whatever the times where the content is known by its hash', () => {
    const touched = five.map(({ name }) => item(name, plannedAt))
    expect(taken(touched, five, true)).toEqual([0, 1, 2])
  })

  it('are taken over exactly where each of their files is the same', () => {
    const items = fc
      .array(fc.record({ name: fc.nat(9), modifiedMs: fc.nat(3), bytes: fc.nat(2) }), {
        minLength: 1,
        maxLength: 12,
      })
      .map((list) => list.map((one) => ({ ...one, name: `${one.name}`, input: 0 })))
    fc.assert(
      fc.property(items, items, (now, earlier) => {
        const same = new Set(taken(now, earlier))
        for (let i = 0; i * 2 < now.length; i++) {
          const [mine, theirs] = [now, earlier].map((all) => all.slice(i * 2, i * 2 + 2))
          expect(same.has(i)).toBe(JSON.stringify(mine) === JSON.stringify(theirs))
        }
      }),
    )
  })
})
