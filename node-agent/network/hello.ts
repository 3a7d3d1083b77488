import { MusterFailure } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import {
  helloProtocol,
  helloVerdictProtocol,
  oldestWireVersion,
  wireVersion,
} from '#protocol/wire/hello/protocol.ts'
import type { Hello, HelloVerdict } from '#protocol/wire/hello/protocol.ts'
import type { FrameStream } from './frame-stream.ts'
import {
  closedAtGreeting,
  garbledGreeting,
  noGreeting,
  otherCluster,
  tooNew,
  tooOld,
} from './sentences.ts'

export type Verdict = HelloVerdict['verdict']

export interface Greeting {
  readonly hello: Hello
  readonly verdict: Verdict
}

export interface GreetDeps {
  readonly self: PeerId
  readonly peer: PeerId
  /** True on the side that dialled: it speaks first. */
  readonly dialled: boolean
  readonly mine: Hello
  /** Called only at the lower PeerId, when both hellos fit. */
  readonly decide: (hello: Hello) => Verdict
  readonly answerMs: number
}

/**
 * Hello, hello, verdict: the dialling side speaks first, then the other, then the lower PeerId decides
 * whether this connection is kept. All of it within `answerMs`.
 */
export const greet = async (
  stream: FrameStream,
  deps: GreetDeps,
): Promise<Result<Greeting, MusterError>> => {
  const { self, peer, dialled, mine, decide, answerMs } = deps
  const deadline = AbortSignal.timeout(answerMs)
  try {
    if (dialled) stream.write(helloProtocol.encode(mine))
    const hello = await readWith(stream, deadline, helloProtocol.decode)
    if (hello === null) return err(closedAtGreeting(peer))
    if (!dialled) stream.write(helloProtocol.encode(mine))
    const misfit = findMisfit(peer, mine, hello)
    if (misfit !== undefined) return err(misfit)
    if (self < peer) {
      const verdict = decide(hello)
      stream.write(helloVerdictProtocol.encode({ kind: 'hello-verdict', verdict }))
      return ok({ hello, verdict })
    }
    const told = await readWith(stream, deadline, helloVerdictProtocol.decode)
    return told === null ? err(closedAtGreeting(peer)) : ok({ hello, verdict: told.verdict })
  } catch (thrown) {
    if (deadline.aborted) return err(noGreeting(peer, answerMs))
    const code = thrown instanceof MusterFailure ? thrown.error.code : undefined
    if (code === 'MessageInvalid' || code === 'FrameTooLarge')
      return err(garbledGreeting(peer, thrown))
    return err(closedAtGreeting(peer, thrown))
  }
}

const readWith = async <Message>(
  stream: FrameStream,
  deadline: AbortSignal,
  decode: (bytes: Uint8Array) => Message,
): Promise<Message | null> => {
  const frame = await stream.read(undefined, deadline)
  return frame === null ? null : decode(frame)
}

/** Both sides reach the same answer from the same two hellos, so nobody has to tell the other. */
export const findMisfit = (peer: PeerId, mine: Hello, theirs: Hello): MusterError | undefined => {
  if (theirs.version < mine.oldest) return tooOld(peer, theirs, mine.oldest)
  if (mine.version < theirs.oldest) return tooNew(peer, theirs, mine.version)
  if (theirs.cluster !== mine.cluster) return otherCluster(peer, theirs)
  return undefined
}

/** The versions of this build. */
export const ourVersions = { version: wireVersion, oldest: oldestWireVersion }
