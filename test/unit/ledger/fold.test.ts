import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createJobFolds } from '#agent/ledger/fold.ts'
import { createLedgerRules } from '#agent/ledger/rules.ts'
import type { Keys } from '#agent/ports/keys.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import type { VerifiedRecord } from '#protocol/model/segment.ts'
import {
  blobNamed,
  createTestKeys,
  genesisOf,
  groupOf,
  jobNumbered,
  jobOf,
  planOf,
} from '#test/support/ledger-fixtures.ts'
import { histories, historyCluster, historyJobs } from '#test/support/histories.ts'

const [a, b] = createTestKeys('ab') as [Keys, Keys]
const job = jobNumbered(1)

/** The whole log of one member, as records. */
const say = (keys: Keys, ...bodies: readonly RecordBody[]): readonly VerifiedRecord[] => {
  const rules = createLedgerRules(keys)
  const encoded = bodies.map((body) => {
    const one = rules.encode(body)
    if (!one.ok) throw new Error(one.error.detail)
    return one.value
  })
  const end = { incarnation: 0, sequence: -1, hash: '' } as const
  return rules.seal(historyCluster, end, encoded).flatMap(({ records }) => records)
}

const foldOf = (records: readonly VerifiedRecord[]) => {
  const folds = createJobFolds()
  for (const record of records) folds.add(record)
  return folds
}

const commit = (
  keys: Keys,
  number: number,
  chunk: string,
  ...miniBatches: readonly number[]
): RecordBody => ({
  kind: 'committed',
  job,
  term: { number, head: keys.self },
  groups: [groupOf(keys.self, blobNamed(chunk), miniBatches)],
  at: 10 * number,
})

const counted = (records: readonly VerifiedRecord[]) =>
  foldOf(records)
    .commits(job)
    .map(({ miniBatch, chunk }) => [miniBatch, chunk])

const submitted: RecordBody = { kind: 'job-submitted', job: jobOf(job, a.self) }

describe('the fold of jobs', () => {
  it('does not depend on the order or number of arrivals', () => {
    const shuffled = histories.chain(({ records }) =>
      fc.tuple(
        fc.constant(records),
        fc.shuffledSubarray([...records, ...records], {
          minLength: 2 * records.length,
          maxLength: 2 * records.length,
        }),
      ),
    )
    fc.assert(
      fc.property(shuffled, ([records, mixed]) => {
        const [one, two] = [foldOf(records), foldOf(mixed)]
        expect(two.jobs()).toEqual(one.jobs())
        for (const id of historyJobs) {
          expect(two.commits(id)).toEqual(one.commits(id))
          expect(two.charges(id)).toEqual(one.charges(id))
          expect(two.planChunks(id)).toEqual(one.planChunks(id))
        }
      }),
    )
  })

  it('counts the commit of the older term, then of the lower head, then the earlier', () => {
    const older = say(
      a,
      submitted,
      commit(a, 2, 'a2', 0, 1),
      commit(a, 1, 'a1', 1),
      commit(a, 1, 'late', 1),
    )
    const other = say(b, commit(b, 1, 'b1', 0, 1))
    expect(counted([...older, ...other])).toEqual([
      [0, blobNamed('b1')],
      [1, blobNamed('a1')],
    ])
  })

  it('believes a head only about its own term, a submitter, data peer and keeper only about their own job', () => {
    const stolen = { ...commit(a, 0, 'stolen', 0), term: { number: 0, head: b.self } } as RecordBody
    const mine = say(a, submitted, planOf(job, 2, 5), stolen)
    const theirs = say(
      b,
      { kind: 'job-submitted', job: jobOf(job, a.self, { keeper: b.self, submittedAt: 1 }) },
      { ...planOf(job, 9, 9) },
      { kind: 'plan-failed', job, message: 'No.', at: 1 },
      {
        kind: 'job-sealed',
        job,
        state: 'Completed',
        headline: '',
        mapHash: '0'.repeat(64),
        miniBatches: 0,
        rows: 0,
        succeeded: 0,
        failed: 0,
        output: '',
        at: 1,
      },
    )
    expect(foldOf([...mine, ...theirs]).job(job)).toMatchObject({
      job: jobOf(job, a.self),
      items: 10,
      committed: 0,
      planFailure: '',
      sealed: null,
    })
  })

  it('forgets a job for its submitter and for whoever was made an admin, and for nobody else', () => {
    const wish: RecordBody = {
      kind: 'job-forgotten',
      job,
      state: 'Canceled',
      endedAt: 7,
      sums: {
        items: 10,
        itemsSucceeded: 5,
        itemsFailed: 0,
        miniBatches: 2,
        committed: 1,
        failedMiniBatches: 0,
      },
      at: 9,
    }
    const grant: RecordBody = {
      kind: 'roles-changed',
      peer: b.self,
      roles: ['admin'],
      clock: 1,
      at: 1,
    }
    const founded = genesisOf(a.self)
    const whole = [submitted, planOf(job, 2, 5), commit(a, 1, 'x', 0)]
    const left = { items: 10, committed: 1, rows: 0, sealed: { state: 'Canceled', at: 7 } }
    const ofSubmitter = foldOf(say(a, ...whole, wish))
    expect(ofSubmitter.job(job)).toMatchObject({ ...left, forgotten: { by: a.self, at: 9 } })
    expect(ofSubmitter.commits(job)).toEqual([])
    expect(ofSubmitter.planChunks(job)).toEqual([])
    const others = say(b, grant, wish)
    expect(foldOf([...say(a, ...whole), ...others]).job(job)?.forgotten).toBeUndefined()
    const ofAdmin = foldOf([...others, ...say(a, founded, ...whole, grant)])
    expect(ofAdmin.job(job)).toMatchObject({ ...left, forgotten: { by: b.self, at: 9 } })
  })

  it('is not there before the job itself is known', () => {
    const folds = foldOf(say(b, commit(b, 1, 'x', 0)))
    expect(folds.job(job)).toBeUndefined()
    expect(folds.jobs()).toEqual([])
    expect(folds.commits(job).length).toBe(1)
  })
})
