import type { Transport } from '#agent/ports/transport.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type {
  FromWorkerMessage,
  LeaseMessage,
  ToWorkerMessage,
} from '#protocol/wire/lease/messages.ts'
import { leaseProtocol } from '#protocol/wire/lease/protocol.ts'

/**
 * Carries lease messages between head and workers. A head that grants to the worker of its own agent
 * bypasses the network, in the same order and never in the same turn.
 */
export interface LeaseLink {
  readonly toWorker: (peer: PeerId, message: ToWorkerMessage) => void
  readonly toHead: (head: PeerId, message: FromWorkerMessage) => void
  readonly onFromWorker: (handler: (peer: PeerId, message: FromWorkerMessage) => void) => void
  readonly onToWorker: (handler: (head: PeerId, message: ToWorkerMessage) => void) => void
}

export const createLeaseLink = (transport: Transport): LeaseLink => {
  let fromWorker: (peer: PeerId, message: FromWorkerMessage) => void = () => undefined
  let toWorker: (head: PeerId, message: ToWorkerMessage) => void = () => undefined

  const deliver = (peer: PeerId, message: LeaseMessage): void => {
    switch (message.kind) {
      case 'worker-hello':
      case 'leases-started':
      case 'attempts-finished':
      case 'leases-returned':
      case 'init-failed':
      case 'job-noted':
      case 'slots-changed':
        return fromWorker(peer, message)
      default:
        return toWorker(peer, message)
    }
  }

  const send = (peer: PeerId, message: LeaseMessage): void => {
    if (peer === transport.self) {
      queueMicrotask(() => deliver(peer, message))
      return
    }
    // A message that cannot be sent would leave both sides with different leases: greet again instead.
    if (transport.send(peer, leaseProtocol, message) === 'full') void transport.hangUp(peer)
  }

  transport.receive(leaseProtocol, deliver)

  return {
    toWorker: send,
    toHead: send,
    onFromWorker: (handler) => {
      fromWorker = handler
    },
    onToWorker: (handler) => {
      toWorker = handler
    },
  }
}
