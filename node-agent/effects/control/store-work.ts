import type { BlobAudit, StoreCare } from '#agent/ports/store-care.ts'
import type { Views } from '#agent/ports/views.ts'
import type { StoreReportView, StoreWorkView } from '#protocol/control/care-views.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

export type StoreWorkKind = 'check' | 'rebuild'

export interface StoreWorkDeps {
  readonly care: StoreCare
  readonly blobAudit: BlobAudit
  readonly views: Pick<Views, 'rebuild' | 'digest'>
  /** Milliseconds since 1970 UTC. */
  readonly now: () => number
  /** Grows with every record that becomes part of the ledger. */
  readonly records: () => number
}

type Tell = (phase: string, done: number, total: number) => void

/** Checks the store, or folds its tables anew in place and compares. */
export const runStoreWork = async (
  deps: StoreWorkDeps,
  kind: StoreWorkKind,
  tell: Tell,
  signal: AbortSignal,
): Promise<StoreReportView> => {
  const digests = kind === 'check' ? undefined : await rebuild(deps, tell)
  tell('reading the database', 0, 0)
  const integrity = await deps.care.integrity(signal)
  const chains = await deps.care.chains(
    (done, total) => tell('checking signatures and hashes', done, total),
    signal,
  )
  const { before, after } = digests ?? (await rebuildCopy(deps, tell, signal))
  const blobs = await auditBlobs(deps, tell, signal)
  const findings = [
    ...integrity.map((words) => `The database is damaged (${words}).`),
    ...chains.problems,
    ...(before === after ? [] : [digestProblem(kind)]),
    ...blobProblems(blobs),
  ]
  return {
    sound: findings.length === 0,
    findings,
    notes: notesOf(blobs),
    bytes: await deps.care.bytes(),
    segments: chains.segments,
    records: chains.records,
    blobs,
    digestBefore: before,
    digestAfter: after,
  }
}

interface Digests {
  readonly before: string
  readonly after: string
}

const rebuildCopy = (
  { care }: StoreWorkDeps,
  tell: Tell,
  signal: AbortSignal,
): Promise<Digests> => {
  tell('folding a copy anew', 0, 0)
  return care.rebuildCopy(signal)
}

/** Records that come in between change the digest: then it is compared once more. */
const rebuild = async ({ views, records }: StoreWorkDeps, tell: Tell): Promise<Digests> => {
  tell('folding the ledger anew', 0, 0)
  let digests: Digests = { before: '', after: '' }
  for (let round = 0; round < 3; round += 1) {
    const known = records()
    const before = await views.digest()
    await views.rebuild()
    digests = { before, after: await views.digest() }
    if (digests.before === digests.after || records() === known) break
  }
  return digests
}

const digestProblem = (kind: StoreWorkKind): string =>
  kind === 'check'
    ? 'The tables differ from what the ledger says: run `muster store rebuild`.'
    : 'The tables differed from what the ledger says and were folded anew; if a check finds that again, please report it.'

type Blobs = StoreReportView['blobs']

const auditBlobs = async (
  { care, blobAudit, now }: StoreWorkDeps,
  tell: Tell,
  signal: AbortSignal,
): Promise<Blobs> => {
  const present = await blobAudit.list()
  const { named, needed } = await care.blobNames(signal)
  const here = new Set(present.map(({ blob }) => blob))
  const known = new Set(named)
  const fresh = now() - limits.freshBlobMs
  let bytes = 0
  let corrupt = 0
  for (const [i, { blob, bytes: size }] of present.entries()) {
    tell('reading blobs', i, present.length)
    bytes += size
    // One that vanished meanwhile is not damaged.
    const whole = await blobAudit.isWhole(blob, signal).catch((thrown: unknown) => {
      signal.throwIfAborted()
      return isMissing(thrown)
    })
    if (!whole) corrupt += 1
  }
  return {
    present: present.length,
    bytes,
    orphan: present.filter(({ blob, modifiedMs }) => !known.has(blob) && modifiedMs < fresh).length,
    missing: await countMissing(
      { care, blobAudit },
      needed.filter((blob) => !here.has(blob)),
      signal,
    ),
    corrupt,
  }
}

/**
 * Jobs run meanwhile: a result may have come after the blobs were listed, and have gone again with its job. What
 * is gone for good is still needed, and not there, when both are looked at once more.
 */
const countMissing = async (
  { care, blobAudit }: Pick<StoreWorkDeps, 'care' | 'blobAudit'>,
  missing: readonly BlobHash[],
  signal: AbortSignal,
): Promise<number> => {
  if (missing.length === 0) return 0
  const here = new Set((await blobAudit.list()).map(({ blob }) => blob))
  const needed = new Set((await care.blobNames(signal)).needed)
  return missing.filter((blob) => needed.has(blob) && !here.has(blob)).length
}

const isMissing = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT'

const blobProblems = ({ missing, corrupt }: Blobs): readonly string[] => [
  ...(missing === 0
    ? []
    : [
        `${count(missing)} that this machine should hold ${are(missing)} gone: register the models again and submit the open jobs anew.`,
      ]),
  ...(corrupt === 0
    ? []
    : [
        `${count(corrupt)} ${are(corrupt)} damaged on the disk: ${corrupt === 1 ? 'it is' : 'they are'} set aside and fetched again when needed, but look after the disk.`,
      ]),
]

const notesOf = ({ orphan }: Blobs): string[] =>
  orphan === 0
    ? []
    : [
        `${count(orphan)} ${are(orphan)} named by nothing and only take${orphan === 1 ? 's' : ''} room.`,
      ]

const count = (blobs: number): string => `${blobs} ${blobs === 1 ? 'blob' : 'blobs'}`
const are = (blobs: number): string => (blobs === 1 ? 'is' : 'are')

/** One check or rebuild at a time, in the background; whoever asks sees how far it is. */
export interface StoreWork extends AsyncDisposable {
  readonly start: (kind: StoreWorkKind) => Result<StoreWorkView, MusterError>
  readonly now: () => StoreWorkView
}

export const createStoreWork = (deps: StoreWorkDeps): StoreWork => {
  const stopped = new AbortController()
  let view: StoreWorkView = { ...idle, kind: 'none' }
  let running: Promise<void> | undefined

  const run = async (kind: StoreWorkKind): Promise<void> => {
    const tell: Tell = (phase, done, total) => (view = { ...view, phase, done, total })
    try {
      const report = await runStoreWork(deps, kind, tell, stopped.signal)
      view = { ...view, state: 'done', phase: '', report }
    } catch (thrown) {
      const error = thrown instanceof MusterFailure ? thrown.error.message : thrownToText(thrown)
      view = { ...view, state: 'failed', phase: '', error }
    }
    running = undefined
  }

  return {
    start: (kind) => {
      if (running !== undefined) return err(busy)
      view = { ...idle, kind, state: 'running' }
      running = run(kind)
      return ok(view)
    },
    now: () => view,
    [Symbol.asyncDispose]: async () => {
      stopped.abort()
      await running
    },
  }
}

const idle = { state: 'idle', phase: '', done: 0, total: 0, report: null, error: '' } as const

const busy = musterError(
  'Full',
  'The store is being looked through already; wait until that has ended.',
  { retryable: true },
)
