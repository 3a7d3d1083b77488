import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'

/** A format of `styleText`, the few this CLI uses. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue'

/** Where a command writes: answers on stdout, errors and progress on stderr. */
export interface Screen {
  /** Text for stdout, as it is. Resolves when the reader keeps up. */
  readonly write: (text: string) => Promise<void>
  /** One line on stdout. */
  readonly line: (text: string) => Promise<void>
  /** One line on stderr. */
  readonly note: (text: string) => void
  /** One line on the terminal that the next one replaces; nothing where stderr is no terminal. Empty text clears it. */
  readonly progress: (text: string) => void
  readonly hasProgress: boolean
  /** Colours `text` for stdout if that is a terminal and the person wants colours. */
  readonly style: (style: Style, text: string) => string
  readonly styleNote: (style: Style, text: string) => string
  /** Characters in a line of the terminal; undefined where stdout is none. */
  readonly width: number | undefined
}

export type Output = NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>

export const createScreen = (stdout: Output, stderr: Output): Screen => {
  const clearLine = '\r\u001b[2K'
  const hasProgress = stderr.isTTY === true
  let drawn = false

  const clear = (): void => {
    if (drawn) stderr.write(clearLine)
    drawn = false
  }
  const write = (text: string): Promise<void> => {
    clear()
    if (stdout.write(text)) return Promise.resolve()
    return new Promise((resolve) => stdout.once('drain', resolve))
  }
  const progress = (text: string): void => {
    if (!hasProgress) return
    const room = (stderr.columns ?? 80) - 1
    stderr.write(clearLine + Array.from(text).slice(0, room).join(''))
    drawn = true
  }

  return {
    write,
    line: (text) => write(`${text}\n`),
    note: (text) => {
      clear()
      stderr.write(`${text}\n`)
    },
    progress,
    hasProgress,
    style: (style, text) => styleText(style, text, { stream: stdout }),
    styleNote: (style, text) => styleText(style, text, { stream: stderr }),
    width: stdout.isTTY === true ? stdout.columns : undefined,
  }
}

/**
 * Text from elsewhere (names, messages, rows) made safe for a terminal: control characters and marks that
 * turn the writing direction could hide or forge lines, so they are shown as a replacement character.
 */
export const safe = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- these are what must go
  text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
