import { expect, it } from 'vitest'
import { refusalOfData } from '#agent/effects/inputs/data-consent.ts'
import type { Keys } from '#agent/ports/keys.ts'
import type { Job } from '#protocol/model/job.ts'
import type { Dataset, Datastore } from '#protocol/model/registry.ts'
import { createTestKeys, jobNumbered, jobOf } from '../../support/ledger-fixtures.ts'

const [own, other] = createTestKeys('mn') as [Keys, Keys]
const self = own.self
const words = { version: 1, description: '', tags: {}, registeredAt: 1 }
const datastores: readonly Datastore[] = [
  {
    ...words,
    name: 'scans',
    registeredBy: self,
    place: { kind: 'folder', peer: self, path: '/data/scans' },
  },
  // Others can say what they like of this machine.
  {
    ...words,
    name: 'evil',
    registeredBy: other.self,
    place: { kind: 'folder', peer: self, path: '/etc' },
  },
  {
    ...words,
    name: 'far',
    registeredBy: self,
    place: { kind: 'folder', peer: other.self, path: '/far' },
  },
  {
    ...words,
    name: 'all',
    registeredBy: self,
    place: { kind: 'share', share: 'office', path: '' },
  },
  {
    ...words,
    name: 'win',
    registeredBy: self,
    place: { kind: 'folder', peer: self, path: 'D:\\scans' },
  },
]
const datasets: readonly Dataset[] = [
  {
    ...words,
    name: 'july',
    registeredBy: self,
    type: 'file',
    source: { kind: 'folder', peer: self, path: '/july' },
    patterns: ['*'],
    options: {},
  },
]
const views = { datastores: async () => datastores, datasets: async () => datasets }

const asked = (root: string, change: Partial<Job> = {}) => {
  const job = jobOf(jobNumbered(1), other.self, { dataPeer: self, ...change })
  const input = { kind: 'files', name: 'one', root, patterns: ['*'] } as const
  return refusalOfData({ self, views }, { ...job, spec: { ...job.spec, inputs: [input] } })
}

it.each(['/data/scans', '/data/scans/2026/july', '/july/a', 'D:\\scans\\a'])(
  'a folder registered here is open to jobs of others: %s',
  async (root) => expect(await asked(root)).toBeUndefined(),
)

it.each([
  '/data',
  '/data/scans2',
  '/data/scans/../secret',
  '/data/scans/./..',
  '/etc',
  '/far',
  '/',
  '',
])('any other folder is not: %j', async (root) => {
  expect(await asked(root)).toMatch(/ is not open to jobs of other machines: register it there/)
})

it('a place in a share is listed by the submitter only', async () => {
  const job = jobOf(jobNumbered(1), other.self, { dataPeer: self })
  const input = {
    kind: 'files',
    name: 'one',
    root: '/data/scans',
    patterns: ['*'],
    share: { name: 'office', path: '' },
  } as const
  const spec = { ...job.spec, inputs: [input] }
  expect(await refusalOfData({ self, views }, { ...job, spec })).toContain('is not open')
})

it("a machine's own jobs read what they like", async () => {
  expect(await asked('/etc', { submitter: self })).toBeUndefined()
})
