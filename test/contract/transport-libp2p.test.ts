import { createTransport } from '#agent/network/transport.ts'
import { transportContract } from './transport.ts'

transportContract('libp2p', () => ({
  make: ({ key, ...deps }) => createTransport({ privateKey: key.privateKey, ...deps }),
}))
