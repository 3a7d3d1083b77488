import { isStartable } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import { thrownToText } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Log } from '#agent/ports/log.ts'
import type { NodeParts } from './node.ts'

/** mDNS within one service tag. What it sees is a hint where to dial, never a sign of life. */
export interface Discovery {
  readonly stop: () => Promise<void>
}

/** A plain tag becomes a service name of mDNS; one that is a name already stays. */
export const serviceNameOf = (tag: string): string =>
  tag.endsWith('.local') ? tag : `_${tag}._udp.local`

export const startDiscovery = async (
  parts: NodeParts,
  tag: string,
  onPeer: (peer: PeerId, addresses: readonly string[]) => void,
  log: Log,
): Promise<Discovery> => {
  const service = mdns({ serviceTag: serviceNameOf(tag) })(parts)
  service.addEventListener('peer', ({ detail }) => {
    const peer = detail.id.toString() as PeerId
    onPeer(
      peer,
      detail.multiaddrs.map((address) => `${address.toString()}/p2p/${peer}`),
    )
  })
  if (!isStartable(service)) return { stop: async () => undefined }
  try {
    await service.start()
  } catch (thrown) {
    // Multicast may be forbidden; addresses by hand and remembered ones still work.
    log.warn('machines cannot be found by mDNS here; give addresses by hand', {
      detail: thrownToText(thrown),
    })
  }
  return {
    stop: async () => {
      await service.stop()
    },
  }
}
