import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLedgerRules } from '#agent/ledger/rules.ts'
import type { Keys } from '#agent/ports/keys.ts'
import type { Log } from '#agent/ports/log.ts'
import { openStore } from '#agent/store/store.ts'
import type { Store, StoreDeps } from '#agent/store/store.ts'
import { asBlobHash, asJobId, asPeerId } from '#protocol/model/ids.ts'
import type { BlobHash, JobId, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { ClusterCreated, CommitGroup, RecordBody } from '#protocol/model/record.ts'
import { digitsSpec } from './job-specs.ts'

/** What the tests of ledger, membership and store share: real keys, real files, small records. */

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex')

const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** A name of the right form; `letter` sorts it. */
export const peerNamed = (letter: string): PeerId =>
  asPeerId(`12D3KooW${letter}${base58.slice(0, 43)}`)

/** Ed25519 keys of peers that know each other. */
export const createTestKeys = (letters: string): readonly Keys[] => {
  const publicKeys = new Map<PeerId, KeyObject>()
  return Array.from(letters, (letter) => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const self = peerNamed(letter)
    publicKeys.set(self, publicKey)
    return {
      self,
      sign: (bytes) => sign(null, bytes, privateKey),
      verify: (peer, bytes, signature) => {
        const key = publicKeys.get(peer)
        return key !== undefined && verify(null, bytes, key, signature)
      },
      sha256,
    }
  })
}

export const quietLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quietLog,
}

/** A temporary folder that goes with the test. */
export const createTempFolder = async (): Promise<{ readonly path: string } & AsyncDisposable> => {
  const path = await mkdtemp(join(tmpdir(), 'muster-store-'))
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

/** Opens a store that must open. */
export const openTestStore = async (
  folder: string,
  keys: Keys,
  more: Pick<StoreDeps, 'maxBytes' | 'restMs' | 'rewrittenBytes'> = {},
): Promise<Store> => {
  const opened = await openStore({
    folder,
    keys,
    rules: createLedgerRules(keys),
    log: quietLog,
    ...more,
  })
  if (!opened.ok) throw new Error(`${opened.error.message} ${opened.error.detail ?? ''}`)
  return opened.value
}

export const genesisOf = (creator: PeerId): ClusterCreated => ({
  kind: 'cluster-created',
  name: 'office',
  creator,
  creatorName: 'desk',
  at: 1_000,
  nonce: '0'.repeat(32),
  recoveryKey: '0'.repeat(64),
})

export const blobNamed = (text: string): BlobHash => asBlobHash(sha256(text))

/** A job id of the right form; a larger number sorts later. */
export const jobNumbered = (number: number): JobId => asJobId(String(number).padStart(26, '0'))

export const jobOf = (id: JobId, submitter: PeerId, more: Partial<Job> = {}): Job => ({
  id,
  spec: digitsSpec({
    model: {
      name: 'mnist',
      version: 1,
      files: [{ path: 'mnist.onnx', blob: blobNamed('model'), bytes: 5 }],
    },
    outputFileName: 'digits.csv',
    inPlace: false,
  }),
  submitter,
  dataPeer: submitter,
  keeper: submitter,
  submittedAt: 5_000,
  ...more,
})

/** One plan chunk of equal mini-batches that is the whole plan. */
export const planOf = (
  job: JobId,
  miniBatches: number,
  items: number,
): Extract<RecordBody, { kind: 'plan-chunk-written' }> => ({
  kind: 'plan-chunk-written',
  job,
  chunk: 0,
  blob: blobNamed('plan'),
  firstItem: 0,
  items: miniBatches * items,
  firstMiniBatch: 0,
  miniBatches,
  runs: [{ count: miniBatches, items }],
  last: true,
})

/** Commits of consecutive mini-batches at the places 0, 1, ... of one chunk. */
export const groupOf = (
  peer: PeerId,
  chunk: BlobHash,
  miniBatches: readonly number[],
  items = 10,
): CommitGroup => ({
  peer,
  chunk,
  miniBatches,
  attempts: miniBatches.map(() => 1),
  positions: miniBatches.map((_, at) => at),
  succeeded: miniBatches.map(() => items),
  failed: miniBatches.map(() => 0),
  rows: miniBatches.map(() => items),
})
