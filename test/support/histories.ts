import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { chargeCauses } from '#protocol/model/attempt.ts'
import type { Keys } from '#agent/ports/keys.ts'
import { createLedgerRules } from '#agent/ledger/rules.ts'
import type { LogEnd, SealedSegment } from '#protocol/wire/ledger/segment-rules.ts'
import { firstHalf, halve } from '#protocol/model/half.ts'
import { asClusterId } from '#protocol/model/ids.ts'
import type { ClusterId, JobId } from '#protocol/model/ids.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import type { VerifiedRecord } from '#protocol/model/segment.ts'
import { encodeRecordBody } from '#protocol/wire/ledger/records.ts'
import { blobNamed, createTestKeys, jobNumbered, jobOf, planOf } from './ledger-fixtures.ts'
import { makeRun, makeSchedule, pipelineNumbered, scheduleNumbered } from './pipeline-fixtures.ts'

/** Random histories of three members that speak of the same few jobs, rightly and wrongly. */

export const historyKeys: readonly Keys[] = createTestKeys('abc')
export const historyJobs: readonly JobId[] = [jobNumbered(0), jobNumbered(1)]

const genesis: RecordBody = {
  kind: 'cluster-created',
  name: 'history',
  creator: historyKeys[2]!.self,
  creatorName: 'c',
  at: 0,
  nonce: '0'.repeat(32),
  recoveryKey: '0'.repeat(64),
}
export const historyCluster: ClusterId = asClusterId(
  createHash('sha256').update(encodeRecordBody(genesis)).digest('hex'),
)

const peers = historyKeys.map(({ self }) => self)
const who = fc.constantFrom(...peers)
const at = fc.integer({ min: 1, max: 50 })
const job = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.constant(1))
const jobIdAt = (index: number): JobId => historyJobs[index] ?? jobNumbered(index)
const peerAt = (index: number) => peers[index % peers.length] ?? historyKeys[0]!.self
/** Of the plan, and halves of its mini-batches at all depths. */
const anyMiniBatch = fc.oneof(
  { weight: 3, arbitrary: fc.nat(11) },
  fc.nat(2 * 48).map((number) => firstHalf + number),
)
const miniBatches = fc.uniqueArray(anyMiniBatch, { minLength: 1, maxLength: 6 })

const group = fc
  .tuple(who, fc.nat(3), miniBatches, fc.nat(3), fc.integer({ min: 0, max: 5 }))
  .map(([peer, chunk, indices, failed, position]) => ({
    peer,
    chunk: blobNamed(`chunk ${chunk}`),
    miniBatches: indices,
    attempts: indices.map((index) => (index % 3) + 1),
    positions: indices.map((_, place) => place + position),
    succeeded: indices.map((index) => index),
    failed: indices.map(() => failed),
    rows: indices.map((index) => index + 1),
  }))

const charge = fc.record(
  {
    miniBatch: anyMiniBatch,
    attempt: fc.integer({ min: 1, max: 3 }),
    peer: who,
    cause: fc.constantFrom(...chargeCauses),
    message: fc.constantFrom('It broke.', 'It took too long.'),
    final: fc.boolean(),
    ran: fc.record({ startedAt: fc.nat(), runMs: fc.nat(), process: fc.nat(3) }),
  },
  { requiredKeys: ['miniBatch', 'attempt', 'peer', 'cause', 'message', 'final'] },
)

/** What a halving names is not what decides: the plan does. */
const twoHalves = [...halve({ miniBatch: 0, firstItem: 0, items: 2 })]

const seal = fc.tuple(
  job,
  at,
  fc.option(fc.tuple(fc.integer({ min: -1, max: 12 }), fc.integer({ min: -1, max: 12 }))),
)

/** Mostly what a member may rightly say, now and then what it may not. */
const bodyOf = (origin: number): fc.Arbitrary<RecordBody> => {
  const term = fc.record({
    number: fc.nat(2),
    head: fc.oneof({ weight: 5, arbitrary: fc.constant(peerAt(origin)) }, who),
  })
  return fc.oneof(
    fc.tuple(job, at, fc.constantFrom(0, 0, 1)).map(([index, time, keeper]): RecordBody => {
      const submitted = { keeper: peerAt(keeper), dataPeer: peerAt(index + 1), submittedAt: time }
      return { kind: 'job-submitted', job: jobOf(jobIdAt(index), peerAt(index), submitted) }
    }),
    fc
      .tuple(job, fc.nat(2), fc.integer({ min: 1, max: 4 }), fc.boolean())
      .map(([index, chunk, items, last]): RecordBody => ({
        ...planOf(jobIdAt(index), 4, items),
        chunk,
        firstItem: 4 * chunk * items,
        firstMiniBatch: 4 * chunk,
        last,
      })),
    fc.record({
      kind: fc.constant('plan-failed'),
      job: job.map(jobIdAt),
      message: fc.constantFrom('The folder is gone.', 'The disk is gone.'),
      at,
    }),
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('committed'),
        job: job.map(jobIdAt),
        term,
        groups: fc.array(group, { minLength: 1, maxLength: 2 }),
        at,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('charged'),
        job: job.map(jobIdAt),
        term,
        charges: fc.array(charge, { minLength: 1, maxLength: 3 }),
        at,
      }),
    },
    fc.record({
      kind: fc.constant('mini-batches-halved'),
      job: job.map(jobIdAt),
      term,
      halvings: fc.array(
        anyMiniBatch.map((parent) => ({ parent, halves: twoHalves })),
        { minLength: 1, maxLength: 2 },
      ),
      at,
    }),
    fc.record({
      kind: fc.constant('job-pause-changed'),
      job: job.map(jobIdAt),
      paused: fc.boolean(),
      clock: fc.integer({ min: 1, max: 3 }),
      at,
    }),
    fc.record({ kind: fc.constant('job-cancel-requested'), job: job.map(jobIdAt), at }),
    fc.record({
      kind: fc.constant('job-closed'),
      job: job.map(jobIdAt),
      term,
      outcome: fc.constantFrom('finished', 'aborted', 'canceled'),
      reason: fc.constantFrom('', 'Too many failed.'),
      at,
    }),
    {
      weight: 2,
      arbitrary: seal.map(([index, time, upTo]): RecordBody => ({
        kind: 'job-sealed',
        job: jobIdAt(index),
        state: 'Completed',
        headline: '',
        mapHash: '0'.repeat(64),
        miniBatches: 0,
        rows: 0,
        succeeded: 0,
        failed: 0,
        output: '',
        ...(upTo === null
          ? {}
          : {
              upTo: upTo.map((sequence, place) => ({
                origin: peerAt(place),
                incarnation: 0,
                sequence,
              })),
            }),
        at: time,
      })),
    },
    fc.tuple(job, at, fc.nat(9)).map(([index, time, number]): RecordBody => ({
      kind: 'job-forgotten',
      job: jobIdAt(index),
      state: 'Failed',
      endedAt: number,
      sums: {
        items: number,
        itemsSucceeded: number,
        itemsFailed: 0,
        miniBatches: number,
        committed: number,
        failedMiniBatches: 0,
      },
      at: time,
    })),
    fc.tuple(who, fc.constantFrom('admin', 'work'), at).map(([peer, role, time]): RecordBody => ({
      kind: 'roles-changed',
      peer,
      roles: [role],
      clock: 1,
      at: time,
    })),
    fc
      .tuple(fc.nat(1), fc.integer({ min: 1, max: 2 }), who, at)
      .map(([name, version, registeredBy, registeredAt]): RecordBody => ({
        kind: 'model-registered',
        model: {
          name: `model ${name}`,
          version,
          files: [{ path: 'm.onnx', blob: blobNamed(`${registeredBy} ${registeredAt}`), bytes: 1 }],
          description: '',
          tags: {},
          facts: { inputs: [], outputs: [], opset: 17, producer: '', parameters: 0, bytes: 1 },
          registeredBy,
          registeredAt,
        },
      })),
    fc.tuple(fc.nat(1), who, at).map(([number, submitter, submittedAt]): RecordBody => ({
      kind: 'pipeline-submitted',
      run: makeRun(submitter, { number, submittedAt }),
    })),
    fc
      .tuple(fc.nat(1), fc.constantFrom('find', 'sort'), fc.constantFrom('Failed', 'Canceled'), at)
      .map(([number, step, state, skippedAt]): RecordBody => ({
        kind: 'pipeline-step-skipped',
        pipeline: pipelineNumbered(number),
        step,
        state,
        reason: 'It was not started.',
        at: skippedAt,
      })),
    fc.tuple(fc.nat(1), at).map(([number, time]): RecordBody => ({
      kind: 'pipeline-cancel-requested',
      pipeline: pipelineNumbered(number),
      at: time,
    })),
    fc
      .tuple(fc.nat(1), fc.constantFrom('Failed', 'Completed'), at)
      .map(([number, state, time]): RecordBody => ({
        kind: 'pipeline-ended',
        pipeline: pipelineNumbered(number),
        state,
        headline: '',
        at: time,
      })),
    fc.record({
      kind: fc.constant('pipeline-pause-changed'),
      pipeline: fc.nat(1).map(pipelineNumbered),
      paused: fc.boolean(),
      clock: fc.integer({ min: 1, max: 3 }),
      at,
    }),
    fc.record({
      kind: fc.constant('schedule-pause-changed'),
      schedule: fc.nat(2).map(scheduleNumbered),
      paused: fc.boolean(),
      clock: fc.integer({ min: 1, max: 3 }),
      at,
    }),
    fc.tuple(fc.nat(2), who, at).map(([number, submitter, setAt]): RecordBody => ({
      kind: 'schedule-set',
      schedule: makeSchedule(submitter, { number, setAt }),
    })),
    fc.tuple(fc.nat(2), at).map(([number, time]): RecordBody => ({
      kind: 'schedule-removed',
      schedule: scheduleNumbered(number),
      at: time,
    })),
    fc
      .tuple(fc.nat(1), fc.integer({ min: 1, max: 2 }), who, at)
      .map(([name, version, registeredBy, registeredAt]): RecordBody => ({
        kind: 'datastore-registered',
        datastore: {
          name: `store ${name}`,
          version,
          description: '',
          tags: {},
          place: { kind: 'folder', peer: registeredBy, path: `/data/${registeredAt}` },
          registeredBy,
          registeredAt,
        },
      })),
    fc
      .tuple(fc.nat(1), fc.integer({ min: 1, max: 2 }), at)
      .map(([name, version, removedAt]): RecordBody => ({
        kind: 'datastore-removed',
        name: `store ${name}`,
        version,
        at: removedAt,
      })),
    fc
      .tuple(fc.nat(1), fc.integer({ min: 1, max: 2 }), who, at)
      .map(([name, version, registeredBy, registeredAt]): RecordBody => ({
        kind: 'dataset-registered',
        dataset: {
          name: `set ${name}`,
          version,
          description: '',
          tags: { at: `${registeredAt}` },
          type: 'table',
          source: { kind: 'datastore', datastore: 'store 0', path: 'sales' },
          patterns: ['*.csv'],
          options: { delimiter: ';' },
          registeredBy,
          registeredAt,
        },
      })),
  )
}

const submission: RecordBody = {
  kind: 'job-submitted',
  job: jobOf(jobIdAt(0), peerAt(0), { dataPeer: peerAt(1), submittedAt: 25 }),
}

/** The same records, cut into segments in two ways and delivered in two orders. */
export interface History {
  readonly records: readonly VerifiedRecord[]
  readonly deliveries: readonly [readonly Uint8Array[], readonly Uint8Array[]]
}

/** Where each origin's log is cut, and who speaks next: any numbers do. */
const schedule = fc.record({
  cuts: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 }),
  turns: fc.array(fc.nat(100), { minLength: 1, maxLength: 40 }),
})

export const histories: fc.Arbitrary<History> = fc
  .tuple(
    fc.array(
      fc.nat(2).chain((origin) => fc.tuple(fc.constant(origin), bodyOf(origin))),
      { minLength: 1, maxLength: 40 },
    ),
    schedule,
    schedule,
  )
  .map(([said, one, two]) => {
    const bodies = peers.map((_, origin) => said.filter(([by]) => by === origin).map(([, b]) => b))
    // Most rules only show when the job itself is known.
    bodies[2]?.unshift(genesis)
    bodies[0]?.splice(one.turns.length % (bodies[0].length + 1), 0, submission)
    const logs = [one, two].map(({ cuts }) =>
      bodies.map((own, origin) => sealCut(historyKeys[origin]!, own, cuts)),
    )
    const [first = [], second = []] = logs
    return {
      records: first.flat().flatMap(({ records }) => records),
      deliveries: [interleave(first, second, one.turns), interleave(second, first, two.turns)],
    }
  })

const sealCut = (
  keys: Keys,
  bodies: readonly RecordBody[],
  cuts: readonly number[],
): readonly SealedSegment[] => {
  const rules = createLedgerRules(keys)
  const encoded = bodies.map((one) => {
    const result = rules.encode(one)
    if (!result.ok) throw new Error(result.error.detail)
    return result.value
  })
  const segments: SealedSegment[] = []
  let end: LogEnd = { incarnation: 0, sequence: -1, hash: '' }
  for (let from = 0, turn = 0; from < encoded.length; turn += 1) {
    const length = cuts[turn % cuts.length] ?? 1
    segments.push(...rules.seal(historyCluster, end, encoded.slice(from, from + length)))
    const last = segments.at(-1)
    if (last !== undefined) end = { incarnation: 0, sequence: last.last, hash: last.lastHash }
    from += length
  }
  return segments
}

/** Segments of each origin in order, the origins mixed; now and then one comes again, cut otherwise. */
const interleave = (
  logs: readonly (readonly SealedSegment[])[],
  others: readonly (readonly SealedSegment[])[],
  turns: readonly number[],
): readonly Uint8Array[] => {
  const left = logs.map((log) => [...log])
  const delivered: Uint8Array[] = []
  for (let turn = 0; left.some((log) => log.length > 0); turn += 1) {
    const number = turns[turn % turns.length] ?? 0
    const open = left.filter((log) => log.length > 0)
    const next = open[(number + turn) % open.length]?.shift()
    if (next !== undefined) delivered.push(next.bytes)
    if (number % 5 !== 0 || next === undefined) continue
    const known = others
      .flat()
      .filter((other) => other.origin === next.origin && other.first <= next.last)
    const again = known[number % Math.max(1, known.length)]
    if (again !== undefined) delivered.push(again.bytes)
  }
  return delivered
}
