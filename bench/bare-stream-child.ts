import { once } from 'node:events'
import process from 'node:process'
import { noise } from '@chainsafe/libp2p-noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import type { Stream } from '@libp2p/interface'
import { createLibp2p } from 'libp2p'
import { limits } from '#protocol/limits.ts'

/**
 * The bare stream that Muster's blobs are held against: libp2p with the same transports and settings, bytes
 * from memory on one side and thrown away on the other. Argument: nothing to serve, or an address to ask
 * each time a line with a number of bytes comes on stdin.
 */
const id = '/bare/1.0.0'
const [address] = process.argv.slice(2)
const node = await createLibp2p({
  addresses: { listen: address === undefined ? ['/ip4/127.0.0.1/tcp/0'] : [] },
  transports: [tcp({ dialOpts: { noDelay: true, keepAlive: true } })],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: limits.streamWindowBytes } })],
})

const send = async (stream: Stream, bytes: number): Promise<void> => {
  const part = Buffer.alloc(limits.bulkFrameBytes, 7)
  for (let left = bytes; left > 0; left -= part.length)
    if (!stream.send(part.subarray(0, Math.min(left, part.length)))) await stream.onDrain()
  await stream.close()
}

const receive = async (stream: Stream): Promise<number> => {
  let bytes = 0
  for await (const part of stream) bytes += part.byteLength
  return bytes
}

if (address === undefined) {
  await node.handle(id, async (stream) => {
    let question = ''
    stream.addEventListener('message', (event) => {
      question += Buffer.from(event.data.subarray()).toString()
      if (question.endsWith('\n')) void send(stream, Number(question))
    })
  })
  console.log(node.getMultiaddrs()[0]?.toString())
} else {
  const peer = peerIdFromString(address.slice(address.lastIndexOf('/') + 1))
  await node.dial(multiaddr(address))
  console.log('ready')
  for (;;) {
    const [line] = (await once(process.stdin, 'data')) as [Buffer]
    const bytes = Number(line.toString())
    const started = performance.now()
    const stream = await node.dialProtocol(peer, id)
    stream.send(Buffer.from(`${bytes}\n`))
    const got = await receive(stream)
    if (got !== bytes) throw new Error(`${got} bytes came instead of ${bytes}`)
    console.log(JSON.stringify({ seconds: (performance.now() - started) / 1_000 }))
  }
}
