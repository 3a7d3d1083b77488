import { expect, it } from 'vitest'
import { runStoreWork } from '#agent/effects/control/store-work.ts'
import type { StoreWorkDeps } from '#agent/effects/control/store-work.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import { blobNamed } from '../../support/ledger-fixtures.ts'

const [old, packed, sealed] = [blobNamed('old'), blobNamed('packed'), blobNamed('sealed')]

/** A check while jobs run: what is listed and what is needed change from look to look. */
const check = (looks: { readonly here: BlobHash[][]; readonly needed: BlobHash[][] }) => {
  const next = (from: BlobHash[][]): BlobHash[] => (from.length > 1 ? from.shift() : from[0]) ?? []
  const deps: StoreWorkDeps = {
    care: {
      bytes: async () => 0,
      integrity: async () => [],
      chains: async () => ({ segments: 0, records: 0, problems: [] }),
      rebuildCopy: async () => ({ before: '', after: '' }),
      blobNames: async () => ({ named: [], needed: next(looks.needed) }),
    },
    blobAudit: {
      list: async () => next(looks.here).map((blob) => ({ blob, bytes: 1, modifiedMs: 0 })),
      isWhole: async () => true,
    },
    views: { rebuild: async () => undefined, digest: async () => '' },
    now: () => 0,
    records: () => 0,
  }
  return runStoreWork(deps, 'check', () => undefined, new AbortController().signal)
}

it('results that come and go while a store is checked are not told as gone', async () => {
  const { findings } = await check({
    here: [[old], [old, packed]],
    needed: [
      [old, packed, sealed],
      [old, packed],
    ],
  })
  expect(findings).toEqual([])
})

it('a blob that is needed and nowhere is told as gone', async () => {
  const { findings, blobs } = await check({ here: [[old]], needed: [[old, packed]] })
  expect(blobs.missing).toBe(1)
  expect(findings[0]).toMatch(/^1 blob that this machine should hold is gone/)
})
