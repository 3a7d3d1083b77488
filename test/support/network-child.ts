import { createTransport } from '#agent/network/transport.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import { loadKeys } from '#agent/network/keys.ts'
import { frames, message, numbers, quietLog, turnableIdentity } from './network-fixtures.ts'

/**
 * One transport in a process of its own, driven by lines of JSON on standard input. It says what happens in
 * lines of JSON. It ends by itself once disposed: a handle left open would keep it alive.
 */
export type ChildCommand =
  | { readonly kind: 'dial'; readonly peer: string; readonly addresses: readonly string[] }
  | { readonly kind: 'send'; readonly peer: string; readonly count: number }
  | { readonly kind: 'ask'; readonly peer: string; readonly count: number }
  | { readonly kind: 'member'; readonly peer: string }
  | { readonly kind: 'end' }

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

const main = async (): Promise<void> => {
  const [keyFile = '', name = '', mdnsTag = ''] = process.argv.slice(2)
  const keys = await loadKeys(keyFile)
  if (!keys.ok) throw new Error(keys.error.message)
  const identity = turnableIdentity(name)
  const { privateKey } = keys.value
  const transport = await createTransport({ privateKey, identity, log: quietLog })
  transport.on(say)
  const got: number[] = []
  transport.receive(numbers, (_peer, { number }) => {
    got.push(number)
    if (number === -1) say({ kind: 'got', count: got.length - 1, inOrder: isOrdered(got) })
  })
  transport.serve(frames, async function* (_peer, { count }) {
    for (let index = 0; index < count; index++) yield { index, data: new Uint8Array(200) }
  })

  const run = async (command: ChildCommand): Promise<void> => {
    if (command.kind === 'end') {
      await transport[Symbol.asyncDispose]()
      say({ kind: 'ended' })
      return
    }
    const peer = asPeerId(command.peer)
    if (command.kind === 'member') identity.state.members.add(peer)
    else if (command.kind === 'dial')
      say({ kind: 'dialled', ...(await transport.dial(peer, command.addresses)) })
    else if (command.kind === 'ask') {
      let answers = 0
      for await (const _ of transport.request(peer, frames, { what: 'x', count: command.count }))
        answers++
      say({ kind: 'answered', answers })
    } else {
      for (let number = 0; number < command.count; number++)
        transport.send(peer, numbers, message(number, 200))
      transport.send(peer, numbers, message(-1))
    }
  }

  let rest = ''
  process.stdin.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const command = JSON.parse(line) as ChildCommand
      if (command.kind === 'end') process.stdin.destroy()
      run(command).catch((thrown: unknown) => say({ kind: 'failed', words: String(thrown) }))
    }
  })
  const tag = mdnsTag === '' ? {} : { mdnsTag }
  const listening = await transport.listen({ hosts: ['127.0.0.1'], port: 0, ...tag })
  say({ kind: 'ready', ...listening, self: transport.self, addresses: transport.addresses() })
}

const isOrdered = (numbers: readonly number[]): boolean =>
  numbers.slice(0, -1).every((number, index) => number === index)

await main()
