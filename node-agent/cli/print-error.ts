import { relative } from 'node:path'
import process from 'node:process'
import type { MusterError, TextPosition } from '#protocol/errors.ts'
import type { ErrorView } from '#protocol/control/views.ts'
import type { Cli } from './cli.ts'
import { safe } from './screen.ts'

/** One sentence on stderr, the place in front of it if there is one; with `--json` an `errorView`. */
export const printError = (
  { json, screen }: Pick<Cli, 'json' | 'screen'>,
  error: MusterError,
): void => {
  const { code, message, retryable, position } = error
  if (json) {
    const view: ErrorView = {
      code,
      message,
      retryable,
      ...(position === undefined ? {} : { position: { ...position } }),
    }
    screen.note(JSON.stringify({ error: view }))
    return
  }
  const place = position === undefined ? '' : `${placeText(position)}: `
  const [sentence = '', ...more] = message.split('\n')
  screen.note(`${safe(place)}${screen.styleNote('red', safe(sentence))}`)
  // What follows a sentence, such as a script to begin with, is indented: it can forge no line of its own.
  for (const line of more) screen.note(safe(line) === '' ? '' : `  ${safe(line)}`)
}

/** `file:line:column`, as compilers write it and editors follow it; short for files below this folder. */
const placeText = ({ file, line, column }: TextPosition): string => {
  const short = relative(process.cwd(), file)
  return `${short.startsWith('..') ? file : short}:${line}:${column}`
}
