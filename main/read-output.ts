import type { Readable } from 'node:stream'

/** Calls `onLine` for each full line; a line longer than `most` characters is dropped. */
export const readLines = async (
  stream: Readable,
  most: number,
  onLine: (line: string) => void,
): Promise<void> => {
  stream.setEncoding('utf8')
  let rest = ''
  try {
    for await (const part of stream as AsyncIterable<string>) {
      const lines = (rest + part).split('\n')
      rest = (lines.pop() ?? '').slice(-most)
      for (const line of lines) if (line.length <= most) onLine(line)
    }
  } catch {
    // The process is gone in the middle of a line; its end is told elsewhere.
  }
}

/** Keeps the last `most` characters; returns a function that gives them. */
export const readTail = (stream: Readable, most: number): (() => string) => {
  let tail = ''
  stream.setEncoding('utf8')
  stream.on('data', (part: string) => {
    tail = (tail + part).slice(-most)
  })
  stream.on('error', () => undefined)
  return () => tail
}
