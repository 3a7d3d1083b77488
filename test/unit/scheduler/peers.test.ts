import { expect, test } from 'vitest'
import { explain, jobDigests, waitSentence } from '#agent/scheduler/explain.ts'
import { limits } from '#protocol/limits.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import type { Term } from '#protocol/model/term.ts'
import { createJob } from '#test/simulation/jobs.ts'
import {
  ann,
  bob,
  cat,
  createScenario,
  data,
  failed,
  finish,
  foreignLease,
  greet,
  head,
  jobA,
  jobB,
  join,
  miniBatchesOf,
  plan,
  submit,
  succeeded,
  termOne,
  withJob,
} from './scenario.ts'

const elder: Term = { number: 0, head: asPeerId('elder') }

test('the leases of a lost peer are free at once and cost nothing', () => {
  const s = withJob(4)
  const leases = join(s, ann, 2)
  expect(join(s, bob, 2)).toEqual([])
  s.tell({ kind: 'peerLost', peer: ann })
  const again = s.takeGrants(bob)
  expect(miniBatchesOf(again)).toEqual(miniBatchesOf(leases))
  expect(again.every((lease) => lease.attempt === 2)).toBe(true)
  s.expectNothingElse()
  expect(s.state.counters.charges).toBe(0)
  expect(jobDigests(s.state)).toMatchObject([{ job: jobA, leased: 4, leasesLost: 4, waits: '' }])
})

test('a suspect keeps its leases and gets no new ones; a sign of life ends that', () => {
  const s = withJob(9)
  const leases = join(s, ann)
  s.tell({ kind: 'peerSuspected', peer: ann })
  finish(
    s,
    ann,
    leases.map((lease) => succeeded(lease)),
  )
  expect(s.take('recordCommits')).toHaveLength(1)
  s.expectNothingElse()
  s.tell({ kind: 'peerAlive', peer: ann })
  expect(s.takeGrants(ann).length).toBeGreaterThan(0)
  s.expectNothingElse()
})

test('a lost peer that shows life gets leases only after it greeted', () => {
  const s = withJob(4)
  join(s, ann)
  s.tell({ kind: 'peerLost', peer: ann })
  s.tell({ kind: 'peerAlive', peer: ann })
  s.pass(1_000)
  s.expectNothingElse()
  expect(join(s, ann).length).toBe(2)
})

test('a greeting is adopted: tokens stay, the rest is revoked or free; a second one changes nothing', () => {
  const s = withJob(6)
  s.tell({
    kind: 'commitsRestored',
    job: jobA,
    commits: [{ miniBatch: 1, attempt: 1, succeeded: 10, failed: 0 }],
  })
  s.pass(limits.adoptionMs)
  const held = [foreignLease(0, elder), foreignLease(1, elder), foreignLease(2, elder, 3)]
  greet(s, ann, 1, { held: held })
  expect(s.take('welcomeWorker')).toHaveLength(1)
  expect(s.take('revokeLeases')).toEqual([
    { kind: 'revokeLeases', peer: ann, tokens: [held[1]?.token], reason: 'another-attempt-counts' },
  ])
  s.expectNothingElse()
  expect(s.state.leases.get(foreignLease(2, elder).token)?.attempt).toBe(3)
  greet(s, ann, 1, { held: [held[0], held[2]].filter((lease) => lease !== undefined) })
  expect(s.take('welcomeWorker')).toHaveLength(1)
  s.expectNothingElse()
  finish(s, ann, [succeeded(foreignLease(2, elder, 3))])
  expect(s.take('recordCommits')).toMatchObject([{ groups: [{ attempts: [3] }] }])
})

test('leases that a greeting no longer names are revoked and granted again', () => {
  const s = withJob(2)
  const leases = join(s, ann)
  greet(s, ann, 1)
  expect(s.take('welcomeWorker')).toHaveLength(1)
  expect(s.take('revokeLeases')).toEqual([
    {
      kind: 'revokeLeases',
      peer: ann,
      tokens: leases.map(({ token }) => token),
      reason: 'taken-back',
    },
  ])
  expect(s.takeGrants(ann).map(({ attempt }) => attempt)).toEqual([2, 2])
  s.expectNothingElse()
})

test('held leases of unknown jobs and unplanned mini-batches are left alone', () => {
  const s = withJob(2)
  join(s, bob)
  const unplanned = { ...foreignLease(7, elder), job: jobB }
  greet(s, ann, 1, { held: [unplanned] })
  expect(s.take('welcomeWorker')).toHaveLength(1)
  s.expectNothingElse()
})

test('a forged lease of a later term is not adopted', () => {
  const s = withJob(2, { peerCount: 1 })
  join(s, bob)
  const forged = foreignLease(0, { number: 9, head })
  greet(s, ann, 1, { held: [forged] })
  expect(s.take('revokeLeases')).toMatchObject([{ peer: ann, tokens: [forged.token] }])
})

test('no more than two live leases a mini-batch', () => {
  const s = withJob(1)
  join(s, ann)
  greet(s, bob, 1, { held: [foreignLease(0, elder)] })
  s.ignoreRest()
  expect(s.state.jobs.get(jobA)?.live).toBe(2)
  greet(s, cat, 1, { held: [foreignLease(0, { number: 0, head: asPeerId('younger') })] })
  expect(s.take('revokeLeases')).toMatchObject([{ peer: cat, reason: 'taken-back' }])
})

test('before the term nothing is said, after it nothing is granted, and what is heard is kept', () => {
  const s = createScenario()
  submit(s, jobA, 4)
  s.tell({ kind: 'peerAlive', peer: data })
  greet(s, ann, 1)
  s.expectNothingElse()
  s.tell({ kind: 'termTaken', term: termOne })
  s.expectNothingElse()
  const leases = join(s, ann)
  expect(leases).toHaveLength(2)
  s.tell({ kind: 'termLost', term: { number: 2, head: bob } })
  finish(
    s,
    ann,
    leases.map((lease) => succeeded(lease)),
  )
  s.tell({ kind: 'cancelRequested', job: jobA })
  s.pass(1_000)
  s.expectNothingElse()
  s.tell({ kind: 'termTaken', term: { number: 3, head } })
  expect(s.take('closeJob')).toMatchObject([{ outcome: 'canceled' }])
})

test('a term taken anew starts from what the workers say', () => {
  const s = withJob(4)
  const leases = join(s, ann)
  s.tell({ kind: 'termTaken', term: { number: 2, head } })
  s.pass(1_000)
  s.expectNothingElse()
  expect(s.state.leases.size()).toBe(0)
  greet(s, ann, 1, { held: leases })
  expect(s.take('welcomeWorker')).toHaveLength(1)
  s.expectNothingElse()
  expect([...s.state.leases.values()].map(({ token }) => token)).toEqual(
    leases.map(({ token }) => token),
  )
})

test('an older or doubled term changes nothing', () => {
  const s = withJob(4)
  const leases = join(s, ann)
  s.tell({ kind: 'termTaken', term: termOne })
  s.tell({ kind: 'termLost', term: elder })
  s.tell({ kind: 'termLost', term: termOne })
  expect(s.state.leases.size()).toBe(leases.length)
  expect(s.state.term).toEqual(termOne)
})

test('a job waits for its data’s peer, and says so', () => {
  const s = withJob(4)
  s.tell({ kind: 'peerLost', peer: data })
  expect(join(s, ann)).toEqual([])
  expect(waitSentence(s.state, jobA)).toBe('Waits for data, which holds the items.')
  // Nothing has to travel to the data's own peer: it is served first.
  expect(miniBatchesOf(join(s, data))).toEqual([0, 2])
  expect(miniBatchesOf(s.takeGrants(ann))).toEqual([1, 3])
  s.tell({ kind: 'peerLost', peer: data })
  s.expectNothingElse()
  expect(s.state.jobs.get(jobA)?.miniBatchesIn).toEqual([2, 2, 0, 0, 0, 0, 0])
  s.tell({ kind: 'peerAlive', peer: data })
  s.expectNothingElse()
  expect(join(s, bob)).toHaveLength(2)
})

test.each(['input-unreachable', 'model-unreachable', 'unknown-job'] as const)(
  'after %s the peer gets nothing of the job for a second',
  (reason) => {
    const s = withJob(2)
    const leases = join(s, ann)
    s.tell({
      kind: 'leasesReturned',
      peer: ann,
      tokens: leases.map(({ token }) => token),
      reason,
      message: '',
    })
    s.pass(limits.returnBackoffMs - 1)
    s.expectNothingElse()
    expect(waitSentence(s.state, jobA)).not.toBe('')
    s.pass(1)
    expect(s.takeGrants(ann)).toHaveLength(2)
    expect(s.state.counters.charges).toBe(0)
  },
)

test('what the owner took back is granted again where there are slots', () => {
  const s = withJob(2)
  const leases = join(s, ann)
  s.tell({ kind: 'slotsChanged', peer: ann, slots: 0 })
  s.tell({
    kind: 'leasesReturned',
    peer: ann,
    tokens: leases.map(({ token }) => token),
    reason: 'owner',
    message: '',
  })
  s.expectNothingElse()
  expect(waitSentence(s.state, jobA)).toBe('The owner of ann allows no work now.')
  expect(join(s, bob)).toHaveLength(2)
})

test('failed starts set a peer aside for the job, and everywhere end it', () => {
  const s = withJob(4)
  const leases = join(s, ann)
  join(s, bob)
  const initFailed = {
    kind: 'initFailed',
    job: jobA,
    message: 'Out of memory.',
    processes: 1,
  } as const
  s.tell({ ...initFailed, peer: ann })
  s.tell({ ...initFailed, peer: ann })
  s.expectNothingElse()
  expect(explain(s.state, jobA)).toContain(
    'ann holds 2 leases, 2 of them not started. Its worker process failed to start 2 times so far: Out of memory.',
  )
  s.tell({ ...initFailed, peer: ann })
  expect(s.take('revokeLeases')).toMatchObject([
    { peer: ann, tokens: leases.map(({ token }) => token) },
  ])
  s.ignoreRest()
  expect(explain(s.state, jobA)).toContain(
    "The job's worker process cannot start on ann: Out of memory.",
  )
  for (let i = 0; i < 3; i++) s.tell({ ...initFailed, peer: bob, message: 'Other.' })
  expect(s.take('closeJob')).toEqual([
    {
      kind: 'closeJob',
      job: jobA,
      outcome: 'aborted',
      reason: "The job's worker process cannot start on ann: Out of memory.",
    },
  ])
})

test('a peer that may not run the job at all is set aside at once', () => {
  const s = withJob(2)
  const leases = join(s, ann)
  const tokens = leases.map(({ token }) => token)
  s.tell({
    kind: 'leasesReturned',
    peer: ann,
    tokens,
    reason: 'init-failed',
    message: 'Not allowed.',
  })
  expect(s.take('closeJob')).toMatchObject([{ outcome: 'aborted' }])
})

test('five failures in a row set a peer aside, longer each time, if others can work', () => {
  const s = withJob(40, { maxAttempts: 50 })
  const good = join(s, bob)
  finish(
    s,
    bob,
    good.map((lease) => succeeded(lease, { runMs: 1_000 })),
  )
  s.ignoreRest()
  greet(s, ann, 4)
  const leases = [...s.takeGrants(ann)]
  s.ignoreRest()
  for (const lease of leases.slice(0, 5)) finish(s, ann, [failed(lease)])
  expect(s.take('revokeLeases')).toMatchObject([{ peer: ann, reason: 'taken-back' }])
  s.ignoreRest()
  s.pass(limits.setAsideMs - 1)
  expect(s.takeGrants(ann)).toEqual([])
  s.pass(1)
  const [next] = s.takeGrants(ann)
  if (next === undefined) throw new Error('no lease after the time aside')
  finish(s, ann, [failed(next)])
  s.pass(limits.setAsideMs * 2 - 1)
  expect(s.takeGrants(ann)).toEqual([])
  s.pass(1)
  expect(s.takeGrants(ann).length).toBeGreaterThan(0)
})

test('when the job fails everywhere no peer is set aside: the job comes to its end', () => {
  const s = withJob(10, { maxAttempts: 1 })
  let leases = join(s, ann)
  join(s, bob)
  for (let i = 0; i < 5; i++) {
    finish(
      s,
      ann,
      leases.map((lease) => failed(lease)),
    )
    leases = s.takeGrants(ann)
  }
  expect(s.state.peers.get(ann)?.setAsideUntil).toBe(0)
})

test('a new head gives the workers of a running job a moment to say what they hold', () => {
  const s = createScenario()
  s.tell({ kind: 'termTaken', term: termOne })
  s.tell({ kind: 'peerAlive', peer: data })
  submit(s, jobA, 4)
  s.tell({ kind: 'commitsRestored', job: jobA, commits: [] })
  expect(join(s, ann)).toEqual([])
  expect(waitSentence(s.state, jobA)).toMatch(/new head/)
  greet(s, bob, 1, { held: [foreignLease(0, elder), foreignLease(1, elder)] })
  expect(s.take('welcomeWorker')).toHaveLength(1)
  s.pass(limits.adoptionMs)
  expect(miniBatchesOf(s.takeGrants(ann))).toEqual([2, 3])
})

test('facts may come in any order and twice', () => {
  const s = createScenario()
  s.tell({
    kind: 'commitsRestored',
    job: jobA,
    commits: [{ miniBatch: 1, attempt: 4, succeeded: 9, failed: 1 }],
  })
  s.tell({
    kind: 'chargesRestored',
    job: jobA,
    charges: [{ miniBatch: 0, attempt: 2, peer: bob, cause: 'threw', message: 'x', final: false }],
  })
  s.tell({
    kind: 'chargesRestored',
    job: jobA,
    charges: [{ miniBatch: 0, attempt: 2, peer: bob, cause: 'threw', message: 'x', final: false }],
  })
  s.tell({ kind: 'termTaken', term: termOne })
  s.tell({ kind: 'peerAlive', peer: data })
  const second = {
    kind: 'planChunkAdded',
    job: jobA,
    chunk: 1,
    firstItem: 20,
    firstMiniBatch: 2,
    runs: [{ count: 1, items: 3 }],
    last: true,
  } as const
  s.tell(second)
  submit(s, jobA, 2)
  s.tell(plan(jobA, 2))
  s.tell(second)
  s.expectNothingElse()
  s.pass(limits.adoptionMs)
  const entry = s.state.jobs.get(jobA)
  expect(entry?.columns.count).toBe(3)
  expect(entry?.columns.charged[0]).toBe(1)
  expect(join(s, ann).map(({ miniBatch, attempt, items }) => [miniBatch, attempt, items])).toEqual([
    [0, 3, 10],
    [2, 1, 3],
  ])
})

test('a machine that cannot have the inputs as the job asks is left out, and says why', () => {
  const s = withJob(4, { peerCount: 1 })
  const held = join(s, ann)
  s.tell({
    kind: 'leasesReturned',
    peer: ann,
    tokens: held.map(({ token }) => token),
    reason: 'out-of-reach',
    message: 'Its disk is full.',
  })
  s.ignoreRest()
  const sentence = `${ann} cannot have the inputs as the job asks: Its disk is full.`
  expect(waitSentence(s.state, jobA)).toBe(sentence)
  expect(explain(s.state, jobA)).toContain(sentence)
  // Another one takes its place among the machines the job may use.
  expect(join(s, bob).length).toBeGreaterThan(0)
  s.ignoreRest()
  s.pass(limits.outOfReachMs)
  expect(s.takeGrants(ann)).toEqual([])
})

test('what a machine does before it can run anything is told while nothing runs', () => {
  const s = withJob(4)
  join(s, ann)
  s.tell({ kind: 'jobNoted', peer: ann, job: jobA, message: 'it downloads the inputs.' })
  expect(waitSentence(s.state, jobA)).toBe(`${ann}: it downloads the inputs.`)
  // Once, in the line of that machine.
  expect(explain(s.state, jobA).filter((line) => line.includes('it downloads'))).toHaveLength(1)
  expect(explain(s.state, jobA).join(' ')).toContain(`${ann}: it downloads the inputs.`)
  s.tell({ kind: 'jobNoted', peer: ann, job: jobA, message: '' })
  expect(waitSentence(s.state, jobA)).toBe('')
})

test('what holds for all machines is said once, and what holds for none of them as such', () => {
  const s = withJob(9)
  for (const peer of [ann, bob]) {
    const [lease] = join(s, peer)
    if (lease === undefined) throw new Error('no lease')
  }
  for (const peer of [ann, bob]) {
    const tokens = [...s.state.leases.values()].flatMap((one) =>
      one.peer === peer ? [one.token] : [],
    )
    s.tell({ kind: 'leasesReturned', peer, tokens, reason: 'model-unreachable', message: '' })
  }
  const none = 'No machine could get the model; it is tried again in a moment.'
  expect(waitSentence(s.state, jobA)).toBe(none)
  // One that gives no slots would not be asked anyway.
  join(s, head, 0)
  expect(waitSentence(s.state, jobA)).toBe(none)
  // A third one lacks something else: then it is not true of all.
  const tokens = join(s, cat).map(({ token }) => token)
  s.tell({ kind: 'leasesReturned', peer: cat, tokens, reason: 'input-unreachable', message: '' })
  expect(waitSentence(s.state, jobA)).toBe(
    `${ann} could not get the model; it is tried again in a moment.`,
  )
  s.tell({ kind: 'pauseChanged', job: jobA, paused: true, clock: 1, by: data })
  expect(explain(s.state, jobA).slice(1)).toEqual(['The job is paused; resume it to let it go on.'])
  const t = createScenario()
  t.tell({ kind: 'termTaken', term: termOne })
  t.tell({ kind: 'peerAlive', peer: data })
  t.tell({ kind: 'jobSubmitted', job: createJob(jobA, data) })
  expect(waitSentence(t.state, jobA)).toBe('Waits for data to list the items.')
  t.tell({ kind: 'peerLost', peer: data })
  expect(waitSentence(t.state, jobA)).toBe('Waits for data, which is away, to list the items.')
})
