import { createMemoryNetwork } from '#test/support/memory-transport.ts'
import { transportContract } from './transport.ts'

transportContract('in memory', () => {
  const network = createMemoryNetwork()
  return { make: async ({ key, ...member }) => network.join({ self: key.peer, ...member }) }
})
