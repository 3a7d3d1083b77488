import { createTransport } from '#agent/network/transport.ts'
import type { TransportWorld } from '#test/support/transport-machines.ts'
import { requestContract } from './transport-requests.ts'
import { transportContract } from './transport.ts'

const newWorld = (): TransportWorld => ({
  make: ({ key, ...deps }) => createTransport({ privateKey: key.privateKey, ...deps }),
})

transportContract('libp2p', newWorld)
requestContract('libp2p', newWorld)
