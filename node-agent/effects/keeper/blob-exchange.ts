import type { Blobs } from '#agent/ports/blobs.ts'
import type { Clock } from '#agent/ports/clock.ts'
import type { Transport } from '#agent/ports/transport.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { BlobHash, PeerId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { blobProtocol } from '#protocol/wire/blob/protocol.ts'
import type { BlobAnswer } from '#protocol/wire/blob/protocol.ts'

/** Serves our blobs to members and fetches theirs. */
export interface BlobExchange {
  /**
   * Makes a blob present here, asking `holders` in order; a broken transfer goes on at the next holder
   * where it stopped. Calls for the same blob share one transfer. `BlobMissing` if nobody has it.
   */
  readonly fetch: (
    blob: BlobHash,
    holders: readonly PeerId[],
    signal: AbortSignal,
  ) => Promise<Result<void, MusterError>>
}

export interface BlobExchangeDeps {
  readonly blobs: Blobs
  readonly transport: Transport
  readonly clock: Clock
}

export const createBlobExchange = ({ blobs, transport }: BlobExchangeDeps): BlobExchange => {
  const underWay = new Map<BlobHash, Promise<Result<void, MusterError>>>()

  const doubt = createDoubt()

  transport.serve(blobProtocol, async function* (peer, request) {
    const size = await blobs.size(request.blob)
    if (size === undefined || request.offset > size) {
      yield { kind: 'missing' } as const
      return
    }
    yield { kind: 'found', bytes: size } as const
    const check = request.offset === 0 && doubt.isAgain(peer, request.blob)
    const options = { offset: request.offset, frameBytes: limits.blobFrameBytes, check }
    for await (const data of blobs.stream(request.blob, options))
      yield { kind: 'data', parts: [data] } as const
  })

  const fetchFrom = async (
    blob: BlobHash,
    holder: PeerId,
    signal: AbortSignal,
  ): Promise<Result<void, MusterError>> => {
    try {
      const offset = await blobs.partialSize(blob)
      const answers = transport.request(holder, blobProtocol, { blob, offset }, signal)
      const stored = await blobs.putStream(blob, offset, dataOf(blob, offset, answers), signal)
      return stored.ok ? ok(undefined) : stored
    } catch (thrown) {
      if (thrown instanceof MusterFailure) return err(thrown.error)
      return err(missing(blob, thrownToText(thrown)))
    }
  }

  const fetchAny = async (
    blob: BlobHash,
    holders: readonly PeerId[],
    signal: AbortSignal,
  ): Promise<Result<void, MusterError>> => {
    if (await blobs.has(blob)) return ok(undefined)
    let last: MusterError = missing(blob, 'no holder is known')
    for (const holder of holders) {
      if (signal.aborted) break
      if (holder === transport.self) continue
      const fetched = await fetchFrom(blob, holder, signal)
      if (fetched.ok) return fetched
      last = fetched.error
    }
    return err(last)
  }

  return {
    fetch: async (blob, holders, signal) => {
      // One that came to nothing, perhaps because nobody wants it there any more, is begun again: by one of those
      // who waited for it, and the others wait for that.
      for (let other = underWay.get(blob); other !== undefined; other = underWay.get(blob)) {
        const shared = await other
        if (shared.ok || signal.aborted) return shared
      }
      const mine = fetchAny(blob, holders, signal).finally(() => underWay.delete(blob))
      underWay.set(blob, mine)
      return mine
    },
  }
}

/**
 * Who asks for a blob from its start again got something wrong, or nothing: only then is it worth
 * hashing what is sent, since every receiver hashes it anyway.
 */
const createDoubt = () => {
  const served = new Set<string>()
  return {
    isAgain: (peer: PeerId, blob: BlobHash): boolean => {
      const key = `${peer} ${blob}`
      if (served.delete(key)) return true
      served.add(key)
      const [oldest] = served
      if (served.size > limits.servedBlobs && oldest !== undefined) served.delete(oldest)
      return false
    },
  }
}

/** The bytes of the answers: as many as the holder said there are, no more and no less. */
async function* dataOf(blob: BlobHash, offset: number, answers: AsyncIterable<BlobAnswer>) {
  let left: number | undefined
  try {
    for await (const answer of answers) {
      if (answer.kind === 'found') left = answer.bytes - offset
      if (answer.kind === 'missing' || left === undefined)
        throw new MusterFailure(missing(blob, 'the peer does not hold it'))
      if (answer.kind !== 'data') continue
      for (const part of answer.parts) {
        left -= part.length
        if (left < 0) throw new MusterFailure(missing(blob, 'more bytes came than were announced'))
        yield part
      }
    }
  } catch (thrown) {
    // All that was announced is here, and the hash says whether it is right.
    if (left !== 0) throw thrown
  }
  // What came may be right and is kept; the hash would call it wrong, since the end is missing.
  if (left !== 0) throw new MusterFailure(missing(blob, 'fewer bytes came than were announced'))
}

const missing = (blob: BlobHash, detail: string): MusterError =>
  musterError('BlobMissing', `The blob ${blob.slice(0, 12)} could not be fetched from any peer.`, {
    retryable: true,
    detail,
  })
