import { expect, test } from 'vitest'
import { fitsPool } from '#protocol/model/pool.ts'
import type { PoolFilter } from '#protocol/model/pool.ts'
import { capabilitiesOf } from '#test/support/network-fixtures.ts'

const gib = 1024 ** 3
const machines = [
  { ...capabilitiesOf('ada'), memoryBytes: 8 * gib, devices: ['cpu'] },
  { ...capabilitiesOf('ben'), memoryBytes: 16 * gib, devices: ['cuda', 'cpu'], tags: ['lab'] },
  { ...capabilitiesOf('cleo'), memoryBytes: 32 * gib, devices: ['cpu'], tags: ['lab', 'tall'] },
]

const fitting = (filter: Partial<PoolFilter>): readonly string[] => {
  const pool = { name: 'some', description: '', minPeers: 0, maxPeers: null, createdAt: 0 }
  const whole = { names: [], tags: [], gpu: false, memoryBytes: 0, ...filter }
  return machines
    .filter((machine) => fitsPool({ ...pool, filter: whole }, machine))
    .map(({ name }) => name)
}

test('a pool has the machines with a name of its list, all its tags, a GPU and the memory it asks for', () => {
  expect(fitting({})).toEqual(['ada', 'ben', 'cleo'])
  expect(fitting({ names: ['ada', 'cleo', 'nobody'] })).toEqual(['ada', 'cleo'])
  expect(fitting({ tags: ['lab'] })).toEqual(['ben', 'cleo'])
  expect(fitting({ tags: ['lab', 'tall'] })).toEqual(['cleo'])
  expect(fitting({ gpu: true })).toEqual(['ben'])
  expect(fitting({ memoryBytes: 16 * gib })).toEqual(['ben', 'cleo'])
  expect(fitting({ names: ['ben', 'cleo'], memoryBytes: 32 * gib })).toEqual(['cleo'])
  expect(fitting({ gpu: true, tags: ['tall'] })).toEqual([])
})
