import { dirname } from 'node:path'
import process from 'node:process'

/** Lines of Muster's own code, beside what the process began with, say nothing to the script's author. */
const ownFolder = dirname(process.argv[1] ?? '')

/** One line about anything that was thrown, with its place in the script where that is known. */
export const thrownSentence = (where: string, thrown: unknown): string => {
  if (!(thrown instanceof Error)) return `The script threw ${shown(thrown)} in ${where}.`
  const words = `${thrown.name}: ${thrown.message}`.split('\n')[0]?.trim() ?? ''
  const memory = /Array buffer allocation failed|Failed to allocate memory/.test(words)
  const cause = memory ? `${words} (it ran out of memory)` : words
  return `The script threw in ${where}: ${cause.slice(0, 500).replace(/[.\s]+$/, '')}${placeOf(thrown)}.`
}

const shown = (thrown: unknown): string => {
  if (typeof thrown === 'string') return JSON.stringify(thrown.slice(0, 300))
  if (typeof thrown === 'object' && thrown !== null) return 'an object that is no Error'
  return typeof thrown === 'function' ? 'a function' : String(thrown)
}

/** ` (score.ts:12)`: the first place of the stack that is the author's own. */
const placeOf = (thrown: Error): string => {
  const stack = typeof thrown.stack === 'string' ? thrown.stack : ''
  for (const line of stack.split('\n').slice(1)) {
    const [, file, number] = /([^\s()/\\]+\.[cm]?[jt]s):(\d+):\d+\)?$/.exec(line) ?? []
    if (file === undefined || line.includes('node:') || line.includes('/node_modules/')) continue
    if (line.includes(ownFolder)) continue
    return ` (${file}:${number})`
  }
  return ''
}
