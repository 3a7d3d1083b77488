import type { RunSource, RunTable } from '#agent/ports/runtime.ts'
import type { SourceWords, TableWords } from './messages.ts'

/** Takes the bytes out of a table, for the body of a frame. */
export const toTableWords = (
  table: RunTable,
): { readonly words: TableWords; readonly body: readonly Uint8Array[] } => {
  const body: Uint8Array[] = []
  const footers = new Map<Uint8Array, number>()
  const numberOf = (footer: Uint8Array): number => {
    const number = footers.get(footer) ?? footers.size
    footers.set(footer, number)
    return number
  }
  const sources = table.sources.map((source): SourceWords => {
    const { content } = source
    if (!('bytes' in content)) return { ...source, content }
    const { bytes, footer } = content
    body.push(bytes)
    const words = { bytes: bytes.length }
    return { ...source, content: footer ? { ...words, footer: numberOf(footer) } : words }
  })
  const lengths = Array.from(footers.keys(), (footer) => footer.length)
  return { words: { ...table, sources, footers: lengths }, body: [...body, ...footers.keys()] }
}

/** Puts the bytes of a frame's body back into their places. */
export const toRunTable = ({ footers, ...words }: TableWords, body: Uint8Array): RunTable => {
  let end = body.length - footers.reduce((sum, length) => sum + length, 0)
  const tails = footers.map((length) => body.subarray(end, (end += length)))
  let at = 0
  const sources = words.sources.map((source): RunSource => {
    const { content } = source
    if (!('bytes' in content)) return { ...source, content }
    at += content.bytes
    const bytes = body.subarray(at - content.bytes, at)
    const footer = content.footer === undefined ? undefined : tails[content.footer]
    return { ...source, content: footer ? { bytes, footer } : { bytes } }
  })
  return { ...words, sources }
}

/** Numbers of the items of a table's mini-batch, in their order. */
export function* itemsOfTable({ slices }: Pick<RunTable, 'slices'>): Generator<number> {
  for (const { firstItem, records } of slices)
    for (let record = 0; record < records; record += 1) yield firstItem + record
}

/** `problem` is the second half of a sentence about the record, or a sentence of its own. */
export const recordSentence = (name: string, problem: string): string => {
  const sentence = /^[\p{Lu}"]/u.test(problem) ? problem : `${name} ${problem}`
  return sentence.endsWith('.') ? sentence : `${sentence}.`
}
