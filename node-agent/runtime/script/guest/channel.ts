import { Socket } from 'node:net'
import process from 'node:process'
import { createFrameReader, encodeFrame } from '../../frames.ts'
import type { CallWords, HostWords, ScriptWords } from '../words.ts'

export interface Answer {
  readonly value: unknown
  readonly body: Uint8Array
}

/** The script's end of the pipe to its runtime process. */
export interface Channel {
  readonly send: (words: ScriptWords, body?: readonly Uint8Array[]) => void
  /** Asks the runtime process. Rejects with its sentence. */
  readonly call: (words: CallWords, body?: readonly Uint8Array[]) => Promise<Answer>
}

const bufferBytes = 64 * 1024

/** Frames of our own process: larger than anything it sends. */
const most = { headBytes: 2 ** 28, bodyBytes: 2 ** 30 }

export const openChannel = (
  descriptor: number,
  hear: (words: Exclude<HostWords, { kind: 'answer' | 'refusal' }>) => void,
): Channel => {
  const waiting = new Map<number, PromiseWithResolvers<Answer> & { readonly refusal: Error }>()
  let calls = 0

  const read = createFrameReader(most, ({ head, body }) => {
    // The runtime process is our own code: its words are taken as they are.
    const words = head as HostWords
    if (words.kind !== 'answer' && words.kind !== 'refusal') return hear(words)
    const asked = waiting.get(words.call)
    waiting.delete(words.call)
    if (words.kind === 'answer') asked?.resolve({ value: words.value, body })
    else if (asked !== undefined) {
      asked.refusal.message = words.error
      asked.reject(asked.refusal)
    }
  })
  const pipe = new Socket({
    fd: descriptor,
    readable: true,
    writable: true,
    // One buffer for all answers: a stream makes a new one of 64 KiB for each. Frames are views, hence the copy.
    onread: {
      buffer: Buffer.allocUnsafe(bufferBytes),
      callback: (bytes, buffer) => {
        read(Buffer.from(buffer.subarray(0, bytes)))
        return true
      },
    },
  })
  pipe.resume()
  const end = (): void => {
    process.kill(process.pid, 'SIGKILL')
  }
  pipe.on('error', end)
  // The runtime process is gone, and with it the reason to be here.
  pipe.on('close', end)

  const send = (words: ScriptWords, body: readonly Uint8Array[] = []): void => {
    for (const part of encodeFrame(words, body)) pipe.write(part)
  }
  return {
    send,
    call: (words, body) => {
      // Made here, where the stack still knows which line of the script asked.
      const asked = { ...Promise.withResolvers<Answer>(), refusal: new Error('') }
      calls += 1
      waiting.set(calls, asked)
      send({ kind: 'call', call: calls, ...words }, body)
      return asked.promise
    },
  }
}
