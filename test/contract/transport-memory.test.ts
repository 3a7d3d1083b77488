import { createMemoryNetwork } from '#test/support/memory-transport.ts'
import type { TransportWorld } from '#test/support/transport-machines.ts'
import { requestContract } from './transport-requests.ts'
import { transportContract } from './transport.ts'

const newWorld = (): TransportWorld => {
  const network = createMemoryNetwork()
  return { make: async ({ key, ...member }) => network.join({ self: key.peer, ...member }) }
}

transportContract('in memory', newWorld)
requestContract('in memory', newWorld)
