import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { signInPath } from '#protocol/control/api.ts'
import type { ControlFixture } from './control-fixture.ts'

/** What came back, as text and, where it is JSON, as that. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  readonly json: { code?: string; message?: string; [key: string]: unknown }
}

export interface Asking {
  readonly method?: string
  readonly headers?: Record<string, string | undefined>
  readonly body?: string
  readonly token?: boolean
}

/** A raw request: fetch would not let us choose Host, Origin or an unnormalised path. */
export const ask = (
  { server }: ControlFixture,
  path: string,
  asking: Asking = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(server.webAddress)
    const headers: Record<string, string> = {}
    const all = {
      host: `127.0.0.1:${port}`,
      ...(asking.token === false ? {} : { authorization: `Bearer ${server.token}` }),
      ...(asking.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...asking.headers,
    }
    for (const [name, value] of Object.entries(all)) if (value !== undefined) headers[name] = value
    const sent = request(
      { host: '127.0.0.1', port, path, method: asking.method ?? 'GET', headers, setHost: false },
      (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString()
          let json: Answer['json'] = {}
          try {
            json = JSON.parse(text)
          } catch {
            // Not every answer is JSON; the test looks at `text` then.
          }
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, json })
        })
      },
    )
    sent.on('error', reject)
    sent.end(asking.body)
  })

/** Exchanges a fresh code for a cookie: `name=value`, as a browser sends it back; empty if it was refused. */
export const signIn = async (fixture: ControlFixture): Promise<string> => {
  const { code } = await fixture.client.call('signInCode')
  const answer = await ask(fixture, signInPath, {
    method: 'POST',
    token: false,
    headers: { 'x-muster': '1' },
    body: JSON.stringify({ code }),
  })
  return (answer.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? ''
}
