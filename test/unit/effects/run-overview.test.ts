import { describe, expect, test } from 'vitest'
import { firstFailure } from '#agent/effects/keeper/first-failure.ts'
import { errorsCsv, overviewText } from '#agent/effects/keeper/run-overview.ts'
import type { FailureGroup } from '#agent/ports/views.ts'
import { limits } from '#protocol/limits.ts'
import { csvLine, miniBatchLine } from '#protocol/model/attempt-log.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import { firstHalf } from '#protocol/model/half.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import { makeJob } from '../../support/control-views.ts'
import { jobNumbered, jobOf } from '../../support/ledger-fixtures.ts'

const ben = asPeerId('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')
const nameOf = () => 'ben'

const ofItem: FailureGroup = {
  message: 'It is no image, "really".\nNo.',
  common: 'It is no image, "really".\nNo.',
  cause: 'item',
  count: 3,
  first: { item: 'a,b.png', miniBatch: 1, attempt: 2, peer: ben },
}
const ofAttempt: FailureGroup = {
  message: 'It broke.',
  common: 'It broke.',
  cause: 'threw',
  count: 1,
  first: { item: '', miniBatch: 0, attempt: 1, peer: ben },
}

describe('the first failure', () => {
  test('names cause, item, mini-batch, attempt and machine', () => {
    expect(firstFailure(ofAttempt, nameOf)).toBe(
      'It broke. (First: mini-batch 0, attempt 1 on ben.)',
    )
    expect(firstFailure(ofItem, nameOf)).toMatch(
      /No\. \(First: a,b\.png in mini-batch 1, attempt 2 on ben\.\)$/,
    )
    expect(firstFailure(undefined, nameOf)).toBe('')
    const half = { ...ofAttempt, first: { ...ofAttempt.first, miniBatch: firstHalf + 15 } }
    expect(firstFailure(half, nameOf)).toContain('(First: mini-batch 7b, attempt 1 on ben.)')
  })

  test('fits a sentence with what the verdict says before it, however long its parts are', () => {
    const long = { ...ofItem, message: 'x'.repeat(9_000) }
    const told = firstFailure(
      { ...long, first: { ...long.first, item: 'y'.repeat(4_000) } },
      nameOf,
    )
    expect(told.length).toBeLessThan(limits.sentenceLength - 500)
    expect(told).toMatch(/y in mini-batch 1, attempt 2 on ben\.\)$/)
  })
})

test('errors are one CSV line for each cause', () => {
  expect(errorsCsv({ failures: [ofItem, ofAttempt], nameOf })).toBe(
    [
      'count,cause,message,first_item,first_mini_batch,first_attempt,first_peer',
      '3,item,"It is no image, ""really"".\nNo.","a,b.png",1,2,ben',
      '1,threw,It broke.,,0,1,ben',
      '',
    ].join('\n'),
  )
})

test('what is not known of a mini-batch is empty', () => {
  const one = { miniBatch: 4, attempt: 1, succeeded: 0, failed: 0, message: 'a\r\nb' }
  const unknown = { process: null, startedAt: null, items: null, seconds: null }
  expect(miniBatchLine({ ...one, ...unknown, status: 'threw' }, 'cem')).toBe(
    '4,cem,,1,,,0,0,,threw,"a\r\nb"',
  )
  expect(csvLine(['', 0, null, "it's"])).toBe(",0,,it's")
})

describe('an overview', () => {
  const job = jobOf(jobNumbered(1), ben)
  const fold: JobFold = {
    job,
    items: 25,
    miniBatches: 3,
    planComplete: true,
    planFailure: '',
    committed: 3,
    itemsSucceeded: 22,
    itemsFailed: 3,
    rows: 22,
    rowsHere: 22,
    failedMiniBatches: 0,
    charged: 1,
    halvings: 0,
    pausedAt: null,
    pauseClock: 0,
    firstCommitAt: 20,
    lastCommitAt: 30,
    cancelRequestedAt: null,
    closed: null,
    sealed: null,
  }
  const view = makeJob(job.id, {
    state: 'Completed',
    headline: 'It is no\nimage.',
    endedAt: 1_700_000_001_500,
    itemsSucceeded: 22,
    itemsFailed: 3,
    charged: 1,
    committed: 3,
    rows: 22,
    output: '/out/digits.csv',
  })
  const shares = [{ peer: ben, miniBatches: 3, items: 25 }]

  test('says in lines what the job was, who did it, how it went and why things failed', () => {
    const text = overviewText({ fold, view, shares, failures: [ofItem], nameOf })
    const lines = text.split('\n')
    expect(lines).toContain(`Job           digits (${job.id})`)
    expect(lines).toContain('State         Completed')
    expect(lines).toContain('First failure It is no image.')
    expect(lines).toContain('Seconds       1.5')
    const begun = { ...view, startedAt: 1_700_000_000_500 }
    expect(overviewText({ fold, view: begun, shares, failures: [], nameOf })).toContain(
      'Seconds       1.5, 1.0 of them since the first rows\n',
    )
    const canceled = { ...view, state: 'Canceled' as const, headline: 'The job was canceled.' }
    expect(overviewText({ fold, view: canceled, shares, failures: [], nameOf })).toContain(
      'Why           The job was canceled.\n',
    )
    expect(lines).toContain('Items         25: 22 succeeded, 3 failed')
    expect(lines).toContain('  ben: 25 items in 3 mini-batches (100 %)')
    expect(lines).toContain(
      '  3 x item: It is no image, "really". No. First: a,b.png in mini-batch 1, attempt 2 on ben.',
    )
    expect(lines).toContain('  mini_batch_size: 10')
  })

  test('has no empty parts', () => {
    const text = overviewText({
      fold,
      view: { ...view, output: '' },
      shares: [],
      failures: [],
      nameOf,
    })
    expect(text).not.toMatch(/Machines|Causes|Output/)
  })
})
