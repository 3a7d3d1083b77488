import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createReuseMatch } from '#agent/job/reuse-match.ts'
import type { Found } from '#agent/job/reuse-match.ts'
import type { Contents } from '#agent/job/plan-stretch.ts'
import { contentHashBytes } from '#protocol/model/content.ts'
import { canonical, racyMs, reuseText } from '#agent/job/reuse.ts'
import { otherSentence, takenSentence } from '#agent/job/reuse-reason.ts'
import type { Job, JobSpec, NodeJobSpec } from '#protocol/model/job.ts'
import { asBlobHash, asPeerId } from '#protocol/model/ids.ts'
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
    ['a download', { inputs: [{ ...spec.inputs[0], mode: 'download' }] }],
  ] as const)('does not include %s', ([, change]) => {
    expect(text(change as Partial<JobSpec>)).toBe(text())
  })

  it.for([
    ['the model', { model: { name: 'mnist', version: 2, files: [] } }],
    ['each of several models', { models: [{ name: 'a', version: 1, files: [], alias: 'b' }] }],
    ['files that a script opens', { inputs: [{ ...spec.inputs[0], mode: 'direct' }] }],
    ['how a side input is read', { sideInputs: [{ ...spec.inputs[0], files: [], kind: 'table' }] }],
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

/** A plan in chunks of so many mini-batches. */
const planOf = (
  items: readonly PlannedItem[],
  size: number,
  chunkSize = 1_000,
): readonly FilePlanChunk[] => {
  const chunks: FilePlanChunk[] = []
  const step = size * chunkSize
  for (let at = 0; at === 0 || at < items.length; at += step) {
    const here = items.slice(at, at + step)
    const whole = Math.floor(here.length / size)
    const rest = here.length % size
    chunks.push({
      kind: 'files',
      job: jobNumbered(0),
      chunk: chunks.length,
      firstItem: at,
      firstMiniBatch: chunks.length * chunkSize,
      runs: [
        ...(whole === 0 ? [] : [{ count: whole, items: size }]),
        ...(rest === 0 ? [] : [{ count: 1, items: rest }]),
      ],
      partitions: [],
      items: here,
      last: at + step >= items.length,
    })
  }
  return chunks
}

interface Reused {
  /** The new plan as it is written. */
  readonly chunks: readonly FilePlanChunk[]
  readonly found: readonly Found[]
  readonly sentence: string
}

/** What workers read of a plan's files, one number for each file; 0: nothing. */
type Read = (file: PlannedItem) => number

interface Circumstances {
  readonly pinned?: boolean
  readonly size?: number
  readonly isFinished?: (miniBatch: number) => boolean
  /** What was read of the earlier plan ... */
  readonly read?: Read
  /** ... by a later job of this plan ... */
  readonly later?: readonly FilePlanChunk[]
  readonly readLater?: Read
  /** ... and what is there now. */
  readonly there?: Read
  /** Nobody looks: it would be too much. */
  readonly isTooMuch?: boolean
}

const nothing: Read = () => 0
const hashOf = (content: number): string => content.toString(16).padStart(2 * contentHashBytes, '0')

const contentsIn = (chunk: FilePlanChunk, read: Read): Contents => {
  let at = 0
  return new Map(
    lengthsOf([chunk]).map((length, i) => {
      const items = chunk.items.slice(at, (at += length))
      const hex = items.map((one) => hashOf(read(one))).join('')
      return [chunk.firstMiniBatch + i, Buffer.from(hex, 'hex')]
    }),
  )
}

const reuse = (
  now: readonly FilePlanChunk[],
  earlier: readonly FilePlanChunk[],
  change: Circumstances = {},
): Reused => {
  const { pinned = false, size = 2, isFinished = () => true, later = [] } = change
  const { read = nothing, readLater = nothing, there = nothing, isTooMuch = false } = change
  const match = createReuseMatch({
    spec: { miniBatchSize: { kind: 'items', items: size }, partitionKeys: [] },
    pinned,
    seenAt: plannedAt,
    files: earlier.reduce((sum, { items }) => sum + items.length, 0),
    isFinished,
  })
  const unread = {
    earlier: earlier.map((chunk) => [chunk, contentsIn(chunk, read)] as const),
    later: later.map((chunk) => [chunk, contentsIn(chunk, readLater)] as const),
  }
  const chunks: FilePlanChunk[] = []
  const found: Found[] = []
  for (const planned of now) {
    for (const source of ['earlier', 'later'] as const)
      while (match.wants(source, planned)) {
        const next = unread[source].shift()
        if (next === undefined) break
        match.know(source, ...next)
      }
    const chunk = match.cut(planned)
    if (chunk?.kind !== 'files') continue
    chunks.push(chunk)
    const all = match.find(chunk)
    found.push(...all.found)
    for (const { checks, ...doubt } of all.doubtful) {
      const changed = checks.flatMap(({ entry, hash }) =>
        'file' in entry || hashOf(there(entry)) === hash ? [] : [entry],
      )
      match.settle(doubt.now.miniBatch, isTooMuch ? undefined : changed)
      if (changed.length === 0 && !isTooMuch) found.push(doubt)
    }
  }
  found.sort((a, b) => a.now.miniBatch - b.now.miniBatch)
  return { chunks, found, sentence: takenSentence('01J', match.counts(), true) }
}

const lengthsOf = (chunks: readonly FilePlanChunk[]): readonly number[] =>
  chunks.flatMap(({ runs }) =>
    runs.flatMap(({ count, items }) => Array.from({ length: count }, () => items)),
  )

/** Numbers of the mini-batches whose rows are taken over, and lengths of all. */
const taken = (
  now: readonly PlannedItem[],
  earlier: readonly PlannedItem[],
  pinned = false,
): readonly [readonly number[], readonly number[]] => {
  const { chunks, found } = reuse(planOf(now, 2), planOf(earlier, 2), { pinned })
  return [found.map((one) => one.now.miniBatch), lengthsOf(chunks)]
}

describe('mini-batches', () => {
  const five = ['a', 'b', 'c', 'd', 'e'].map((name) => item(name))

  it('are taken over where nothing changed, and computed where a file did', () => {
    expect(taken(five, five)).toEqual([
      [0, 1, 2],
      [2, 2, 1],
    ])
    expect(taken(five.with(2, item('c', 6)), five)[0]).toEqual([0, 2])
    expect(taken(five.with(2, { ...item('c'), bytes: 4 }), five)[0]).toEqual([0, 2])
    expect(taken([...five, item('f')], five)[0]).toEqual([0, 1])
  })

  it('are taken over behind a file that came or went', () => {
    expect(taken([item('0'), ...five], five)).toEqual([
      [1, 2, 3],
      [1, 2, 2, 1],
    ])
    expect(taken(five.toSpliced(1, 0, item('aa')), five)).toEqual([
      [2, 3],
      [2, 1, 2, 1],
    ])
    expect(taken(five.toSpliced(1, 1), five)).toEqual([
      [1, 2],
      [1, 2, 1],
    ])
    expect(taken(five.toSpliced(0, 1), five)).toEqual([
      [1, 2],
      [1, 2, 1],
    ])
  })

  it('of odd size are joined when they change again, or meet others that are small', () => {
    const first = reuse(planOf([item('a'), item('aa'), ...five.slice(1)], 2), planOf(five, 2))
    expect(lengthsOf(first.chunks)).toEqual([2, 1, 2, 1])
    const again = [item('a'), item('aa'), item('ab'), ...five.slice(1)]
    const second = reuse(planOf(again, 2), first.chunks)
    expect(lengthsOf(second.chunks)).toEqual([2, 2, 2, 1])
    expect(second.found.map(({ now }) => now.miniBatch)).toEqual([0, 2, 3])
    expect(taken(five.toSpliced(2, 1), five)).toEqual([[0], [2, 2]])
  })

  it('are computed where a file was written just before it was planned', () => {
    const fresh = five.with(4, item('e', plannedAt - racyMs))
    expect(taken(fresh, fresh)[0]).toEqual([0, 1])
  })

  it('are taken over whatever the times where the content is known by its hash', () => {
    const touched = five.map(({ name }) => item(name, plannedAt))
    expect(taken(touched, five, true)[0]).toEqual([0, 1, 2])
  })

  it('say why they were taken over or not', () => {
    const sentence = (now: readonly PlannedItem[], isFinished = (): boolean => true): string =>
      reuse(planOf(now, 2), planOf(five, 2), { isFinished }).sentence
    expect(sentence(five)).toBe(
      'All 3 mini-batches were taken over from job 01J: same script, model, settings and files.',
    )
    expect(sentence(five.with(2, item('c', 6)))).toBe(
      '2 of 3 mini-batches were taken over from job 01J; 1 file has another time, and what was in it is not known.',
    )
    expect(sentence(five.with(2, { ...item('c'), bytes: 4 }))).toBe(
      '2 of 3 mini-batches were taken over from job 01J; 1 file changed.',
    )
    expect(sentence([...five.slice(2), item('x'), item('y')])).toBe(
      '1 of 3 mini-batches were taken over from job 01J; 2 files came and 2 files went.',
    )
    expect(sentence(five, () => false)).toBe(
      'Nothing was taken over from job 01J: 3 mini-batches were not finished there without a failed item.',
    )
    expect(sentence(five.with(4, item('e', plannedAt)).slice(4))).toContain(
      '1 file has another time',
    )
  })

  it('are taken over exactly where they hold the same, and give what a plain loop gives', () => {
    const files = fc.uniqueArray(
      fc.record({ name: fc.nat(60), modifiedMs: fc.nat(1), bytes: fc.nat(2) }),
      { minLength: 1, maxLength: 40, selector: ({ name }) => name },
    )
    const items = files.map((list) =>
      list
        .toSorted((a, b) => a.name - b.name)
        .map((one) => ({ ...one, name: String(one.name).padStart(2, '0'), input: 0 })),
    )
    const sizes = fc.record({
      size: fc.integer({ min: 1, max: 5 }),
      chunk: fc.integer({ min: 1, max: 4 }),
    })
    fc.assert(
      fc.property(items, items, sizes, (now, earlier, { size, chunk }) => {
        const before = planOf(earlier, size, chunk)
        const { chunks, found } = reuse(planOf(now, size, chunk), before, { size })
        // Every file stands in the plan once, in its order, in mini-batches of the right size.
        expect(chunks.flatMap((one) => one.items)).toEqual(now)
        const lengths = lengthsOf(chunks)
        expect(lengths.every((length) => length >= 1 && length <= size)).toBe(true)
        expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(now.length)
        let [firstItem, firstMiniBatch] = [0, 0]
        for (const [number, one] of chunks.entries()) {
          expect(one).toMatchObject({ chunk: number, firstItem, firstMiniBatch })
          expect(one.last).toBe(number === chunks.length - 1)
          firstItem += one.items.length
          firstMiniBatch += lengthsOf([one]).length
        }
        // Rows: each is its file. Those of an earlier mini-batch stand for those of a new one.
        const rowsOf = (list: readonly PlannedItem[], first: number, count: number): string =>
          JSON.stringify(list.slice(first, first + count))
        for (const { now: mine, earlier: theirs } of found)
          expect(rowsOf(earlier, theirs.firstItem, theirs.items)).toBe(
            rowsOf(now, mine.firstItem, mine.items),
          )
        // A mini-batch that the earlier job had is never computed again.
        const had = new Set<string>()
        let at = 0
        for (const length of lengthsOf(before)) {
          had.add(rowsOf(earlier, at, length))
          at += length
        }
        const reused = new Set(found.map((one) => one.now.firstItem))
        at = 0
        for (const length of lengths) {
          expect(reused.has(at)).toBe(had.has(rowsOf(now, at, length)))
          at += length
        }
        // Twice the mini-batches of a plain plan at most.
        expect(lengths.length).toBeLessThanOrEqual(
          2 * Math.ceil(now.length / size) + lengthsOf(before).length,
        )
      }),
    )
  })
})

describe('content', () => {
  const five = ['a', 'b', 'c', 'd', 'e'].map((name) => item(name))
  /** The file's first letter is what is in it. */
  const letter: Read = ({ name }) => name.charCodeAt(0)
  const numbersOf = ({ found }: Reused): readonly number[] => found.map(({ now }) => now.miniBatch)
  const touched = five.with(2, item('c', 6))

  it('of a touched file is compared, and what holds the same is taken over', () => {
    const same = reuse(planOf(touched, 2), planOf(five, 2), { read: letter, there: letter })
    expect(numbersOf(same)).toEqual([0, 1, 2])
    expect(same.sentence).toBe(
      '3 of 3 mini-batches were taken over from job 01J; 1 file with another time holds the same as before.',
    )
    const other = reuse(planOf(touched, 2), planOf(five, 2), { read: letter, there: () => 7 })
    expect(numbersOf(other)).toEqual([0, 2])
    expect(other.sentence).toContain('; 1 file changed.')
  })

  it('that would be too much to compare is computed, and that is said', () => {
    const reads = { read: letter, there: letter, isTooMuch: true }
    const { found, sentence } = reuse(planOf(touched, 2), planOf(five, 2), reads)
    expect(found.map(({ now }) => now.miniBatch)).toEqual([0, 2])
    expect(sentence).toBe(
      '2 of 3 mini-batches were taken over from job 01J; 1 file that may be the same was not compared, since that was too much to read.',
    )
  })

  it('that nobody read proves nothing, and neither does a file of another size', () => {
    const unread = reuse(planOf(touched, 2), planOf(five, 2), { there: letter })
    expect(numbersOf(unread)).toEqual([0, 2])
    const longer = five.with(2, { ...item('c', 6), bytes: 4 })
    const sized = reuse(planOf(longer, 2), planOf(five, 2), { read: letter, there: letter })
    expect(numbersOf(sized)).toEqual([0, 2])
  })

  it('is compared where a file was written just before it was planned', () => {
    const fresh = five.with(4, item('e', plannedAt - racyMs))
    const read = { read: letter, there: letter }
    expect(numbersOf(reuse(planOf(fresh, 2), planOf(fresh, 2), read))).toEqual([0, 1, 2])
    const changed = { read: letter, there: nothing }
    expect(numbersOf(reuse(planOf(fresh, 2), planOf(fresh, 2), changed))).toEqual([0, 1])
  })

  it('that a later job found changed, under the same size and time, is noticed', () => {
    const plan = planOf(five, 2)
    const readLater: Read = (file) => (file.name === 'c' ? 7 : letter(file))
    // The later job had other mini-batches.
    const noticed = reuse(plan, plan, { read: letter, later: planOf(five, 3), readLater })
    expect(numbersOf(noticed)).toEqual([0, 2])
    expect(noticed.sentence).toBe(
      '2 of 3 mini-batches were taken over from job 01J; 1 file changed.',
    )
    const unknown = reuse(plan, plan, { read: nothing, later: plan, readLater })
    expect(numbersOf(unknown)).toEqual([0, 1, 2])
  })

  it('that a later job found in a touched file need not be read again', () => {
    const later = planOf(touched, 2)
    const circumstances = { read: letter, later, readLater: letter, there: () => 7 }
    expect(numbersOf(reuse(later, planOf(five, 2), circumstances))).toEqual([0, 1, 2])
  })

  it('decides: what is taken over holds what it held, whatever sizes and times say', () => {
    const version = fc.record({ modifiedMs: fc.constantFrom(1, 2, plannedAt), content: fc.nat(2) })
    const files = fc.array(fc.record({ before: version, now: version, wasRead: fc.boolean() }), {
      minLength: 1,
      maxLength: 12,
    })
    fc.assert(
      fc.property(files, fc.integer({ min: 1, max: 4 }), (list, size) => {
        // A file whose content changed without another time can only be noticed by reading it.
        const all = list.map(({ before, now, wasRead }) => ({
          before,
          now: now.modifiedMs === before.modifiedMs && before.modifiedMs < plannedAt ? before : now,
          wasRead,
        }))
        const items = (which: 'before' | 'now'): readonly PlannedItem[] =>
          all.map((one, at) => item(String(at).padStart(2, '0'), one[which].modifiedMs))
        const result = reuse(planOf(items('now'), size), planOf(items('before'), size), {
          size,
          read: ({ name }) =>
            all[Number(name)]?.wasRead ? all[Number(name)]!.before.content + 1 : 0,
          there: ({ name }) => (all[Number(name)]?.now.content ?? 0) + 1,
        })
        const taken = new Set(result.found.map(({ now }) => now.firstItem))
        for (let at = 0; at < all.length; at += size) {
          const here = all.slice(at, at + size)
          const isSame = here.every(({ before, now }) => before.content === now.content)
          const isProved = here.every(
            ({ before, now, wasRead }) =>
              wasRead || (before.modifiedMs === now.modifiedMs && before.modifiedMs < plannedAt),
          )
          expect(taken.has(at)).toBe(isSame && isProved)
        }
      }),
    )
  })
})

describe('what differs from the job before', () => {
  const base = jobOf(jobNumbered(1), asPeerId('anna'))
  const script = (change: Partial<NodeJobSpec> = {}): Job => ({
    ...base,
    spec: {
      ...base.spec,
      runtime: 'node',
      script: {
        entry: 'score.ts',
        files: [{ path: 'score.mjs', blob: asBlobHash('a'.repeat(64)), bytes: 1 }],
      },
      arguments: ['--threshold', '0.5', '--loud'],
      environment: {},
      ...change,
    },
  })
  const told = (now: Job, before = script()): string => otherSentence(now, before)

  it.for([
    [
      'an argument',
      script({ arguments: ['--threshold', '0.7', '--loud'] }),
      'argument --threshold changed from 0.5 to 0.7.',
    ],
    ['one that went', script({ arguments: ['--threshold', '0.5'] }), 'argument --loud is gone.'],
    ['arguments without flags', script({ arguments: ['0.5'] }), 'its arguments changed.'],
    [
      'the model',
      script({ model: { name: 'mnist', version: 4, files: [] } }),
      'the model is now mnist:4, it was mnist:1.',
    ],
    [
      'the script',
      script({
        script: {
          entry: 'score.ts',
          files: [{ path: 'score.mjs', blob: asBlobHash('b'.repeat(64)), bytes: 1 }],
        },
      }),
      'score.ts changed.',
    ],
    [
      'the mini-batch size',
      script({ miniBatchSize: { kind: 'items', items: 3 } }),
      '`mini_batch_size` changed from 10 to 3.',
    ],
    [
      'the environment',
      script({ environment: { MODE: 'fast' } }),
      '`environment_variables` is new.',
    ],
    [
      'the version',
      { ...script(), reuse: { key: '', take: true, pinned: false, version: '2.0.0' } },
      'its settings changed.',
    ],
  ] as const)('names %s', ([, now, end]) => {
    expect(told(now)).toBe(`Nothing was taken over: since job ${base.id}, ${end}`)
  })

  it('names the version and the content of a whole input', () => {
    const reuse = {
      key: '',
      take: true,
      pinned: false,
      version: '1.0.0',
      contents: { digits: 'a' },
    }
    const before = { ...script(), reuse }
    expect(told({ ...before, reuse: { ...reuse, version: '2.0.0' } }, before)).toContain(
      'Muster was updated from 1.0.0 to 2.0.0.',
    )
    const [input] = base.spec.inputs
    const contents = { [input?.name ?? '']: 'b' }
    expect(told({ ...before, reuse: { ...reuse, contents } }, before)).toContain(
      `what is in input "${input?.name}" changed.`,
    )
  })
})
