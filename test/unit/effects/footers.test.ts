import { expect, test } from 'vitest'
import { createFooters } from '#agent/effects/inputs/footers.ts'
import { asJobId } from '#protocol/model/ids.ts'
import type { PlannedTable } from '#protocol/model/plan.ts'

const job = asJobId('one')
const forever = new AbortController().signal
const file = (name: string, more: Partial<PlannedTable> = {}): PlannedTable => ({
  name,
  bytes: 1_000,
  modifiedMs: 1,
  input: 0,
  columns: [],
  tailBytes: 40,
  ...more,
})
const footer = (byte: number): Uint8Array => new Uint8Array(40).fill(byte)

test('a footer is fetched by one, and the others wait for it; after a failure the next one fetches', async () => {
  const footers = createFooters()
  const a = file('a')
  const first = await footers.claim(job, [a], forever)
  const seen: string[] = []
  const others = [1, 2].map(async (number) => {
    using claim = await footers.claim(job, [a], forever)
    const found = claim.held(a)
    seen.push(`${number} ${found === undefined ? 'fetches' : String(found[0])}`)
    await Promise.resolve()
    claim.keep(a, footer(7))
  })
  expect(first.held(a)).toBeUndefined()
  // It came without one.
  first[Symbol.dispose]()
  await Promise.all(others)
  expect(seen).toEqual(['1 fetches', '2 7'])
})

test('another file, size or time, and another job have footers of their own', async () => {
  const footers = createFooters()
  const known = async (of: PlannedTable, by = job): Promise<boolean> => {
    using claim = await footers.claim(by, [of], forever)
    return claim.held(of) !== undefined
  }
  {
    using claim = await footers.claim(job, [file('a')], forever)
    claim.keep(file('a'), footer(1))
    expect(claim.held(file('a'))).toEqual(footer(1))
  }
  expect(await known(file('a'))).toBe(true)
  for (const other of [{ bytes: 1_001 }, { modifiedMs: 2 }, { input: 1 }, { tailBytes: 41 }])
    expect(await known(file('a', other))).toBe(false)
  expect(await known(file('b'))).toBe(false)
  expect(await known(file('a'), asJobId('two'))).toBe(false)
  footers.jobEnded(asJobId('two'))
  expect(await known(file('a'))).toBe(true)
  footers.jobEnded(job)
  expect(await known(file('a'))).toBe(false)
})

test('what is kept is bounded, the one used last longest; what was claimed stays at hand', async () => {
  const footers = createFooters(100)
  const [a, b, c] = [file('a'), file('b'), file('c')]
  for (const [i, one] of [a, b].entries()) {
    using claim = await footers.claim(job, [one], forever)
    claim.keep(one, footer(i))
  }
  const claim = await footers.claim(job, [a], forever)
  {
    using other = await footers.claim(job, [c], forever)
    other.keep(c, footer(2))
  }
  using all = await footers.claim(job, [a, b, c], forever)
  expect([a, b, c].map((one) => all.held(one)?.[0])).toEqual([0, undefined, 2])
  expect(claim.held(a)?.[0]).toBe(0)
  claim[Symbol.dispose]()
})

test('a wait ends with who waits; a job that ends is left nothing by what was under way', async () => {
  const footers = createFooters()
  const a = file('a')
  const first = await footers.claim(job, [a], forever)
  const given = new AbortController()
  const waiting = footers.claim(job, [a], given.signal)
  given.abort(new Error('given up'))
  await expect(waiting).rejects.toThrow('given up')
  footers.jobEnded(job)
  first.keep(a, footer(1))
  first[Symbol.dispose]()
  using again = await footers.claim(job, [a], forever)
  expect(again.held(a)).toBeUndefined()
})
