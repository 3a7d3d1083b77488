import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { ClusterId } from '../../model/ids.ts'
import type { Capabilities } from '../../model/member.ts'
import { messageProtocol } from '../codec.ts'
import { capabilities, clusterId, count } from '../fields.ts'

/**
 * `/muster/hello/1.0.0`: the first words on every connection, both ways, with a deadline.
 * Versions are plain numbers that grow with every incompatible change: `oldest` is the oldest the speaker
 * still understands, so each side can tell "peer too old" from "peer too new".
 */
export interface Hello {
  readonly kind: 'hello'
  readonly version: number
  readonly oldest: number
  readonly cluster: ClusterId
  readonly capabilities: Capabilities
  /** Grows with every start of the agent; a doubled connection of an older start is dropped. */
  readonly startedAt: number
  /** Addresses the speaker can be dialled at, to be remembered. */
  readonly addresses: readonly string[]
}

/** Version that this agent speaks. */
export const wireVersion = 1
/** The oldest that it understands. */
export const oldestWireVersion = 1

const hello: z.ZodType<Hello> = z.object({
  kind: z.literal('hello'),
  version: count,
  oldest: count,
  cluster: clusterId,
  capabilities,
  startedAt: count,
  addresses: z.array(z.string().max(256)).max(16),
})

/** See docs/wire/hello-v1.md. */
export const helloProtocol = messageProtocol('/muster/hello/1.0.0', limits.bulkFrameBytes, hello)

/**
 * The last word of a greeting, from the lower PeerId, which alone decides: of two connections between
 * the same peers it keeps one, so that both sides keep the same.
 */
export interface HelloVerdict {
  readonly kind: 'hello-verdict'
  readonly verdict: 'kept' | 'doubled'
}

const verdict: z.ZodType<HelloVerdict> = z.object({
  kind: z.literal('hello-verdict'),
  verdict: z.enum(['kept', 'doubled']),
})

/** Travels on the hello's stream, behind both hellos. */
export const helloVerdictProtocol = messageProtocol(
  helloProtocol.id,
  limits.bulkFrameBytes,
  verdict,
)
