import { describe, expect, it } from 'vitest'
import { limits } from '#protocol/limits.ts'
import { readAddresses } from '#agent/network/node.ts'
import { createTransport } from '#agent/network/transport.ts'
import { newKey, quietLog, turnableIdentity } from '#test/support/network-fixtures.ts'

const transportOf = async () => {
  const { privateKey, peer } = await newKey()
  const identity = turnableIdentity('desk')
  return { peer, transport: await createTransport({ privateKey, identity, log: quietLog }) }
}

describe('addresses', () => {
  it('without a peer get one, with another peer get ours, and rubbish is left out', async () => {
    const { peer } = await newKey()
    const other = await newKey()
    const read = readAddresses(peer, [
      '/ip4/10.0.0.1/tcp/4000',
      `/ip4/10.0.0.1/tcp/4000/p2p/${other.peer}`,
      '/dns4/desk-3/tcp/4000',
      '/ip4/10.0.0.1/udp/4000',
      '/ip4/999.0.0.1/tcp/4000',
      'http://desk-3',
      '',
    ])
    expect(read.map(String)).toEqual([
      `/ip4/10.0.0.1/tcp/4000/p2p/${peer}`,
      `/dns4/desk-3/tcp/4000/p2p/${peer}`,
    ])
  })

  it('of one peer are bounded', async () => {
    const { peer } = await newKey()
    const many = Array.from({ length: 100 }, (_, port) => `/ip4/10.0.0.1/tcp/${port + 1}`)
    expect(readAddresses(peer, many).length).toBe(limits.peerAddresses)
  })

  it('are none before listening, and real ones after', async () => {
    const { peer, transport } = await transportOf()
    await using _ = transport
    expect(transport.addresses()).toEqual([])
    expect((await transport.listen({ hosts: ['0.0.0.0'], port: 0 })).ok).toBe(true)
    const addresses = transport.addresses()
    expect(addresses.length).toBeGreaterThan(0)
    for (const address of addresses) {
      expect(address).toMatch(new RegExp(`^/ip[46]/[^/]+/tcp/[1-9]\\d*/p2p/${peer}$`))
      expect(address).not.toContain('0.0.0.0')
    }
  })

  it.each([
    ['10.255.255.1', 'RequestInvalid'],
    ['localhost', 'RequestInvalid'],
  ])('that this machine does not have are refused: %s', async (host, code) => {
    const { transport } = await transportOf()
    await using _ = transport
    const bound = await transport.listen({ hosts: ['127.0.0.1', host], port: 0 })
    expect(bound).toMatchObject({ ok: false, error: { code } })
    expect(transport.addresses()).toEqual([])
  })
})
