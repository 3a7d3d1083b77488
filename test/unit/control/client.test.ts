import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createControlClient } from '#protocol/control/client.ts'
import type { ControlClient } from '#protocol/control/client.ts'
import { noSuchCall } from '#protocol/control/endpoint.ts'

/** An agent of an older version: it lacks calls, and fields of those it has. */
const older = createServer((request, answer) => {
  const isKnown = request.url === '/api/v1/agent'
  const error = { code: 'NotFound', message: noSuchCall, retryable: false }
  answer.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' })
  answer.end(JSON.stringify(isKnown ? { name: 'anna' } : error))
})
let client: ControlClient
beforeAll(async () => {
  older.listen(0, '127.0.0.1')
  await once(older, 'listening')
  const { port } = older.address() as AddressInfo
  client = createControlClient({ baseUrl: `http://127.0.0.1:${port}`, token: 'token' })
})
afterAll(() => {
  older.close()
  older.closeAllConnections()
})

test('a call that an older agent lacks is told as that', async () => {
  await expect(client.call('pausePipeline', { query: { pipeline: 'one' } })).rejects.toThrow(
    'The agent does not know `pausePipeline`, since it is of another version; restart it with this version of Muster.',
  )
})

test('an answer that lacks fields is told as that', async () => {
  await expect(client.call('agent')).rejects.toThrow(
    'The agent answered `agent` in a form that is unknown here; restart the agent with this version of Muster.',
  )
})
