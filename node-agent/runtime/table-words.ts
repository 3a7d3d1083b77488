import type { RunSource, RunTable } from '#agent/ports/runtime.ts'
import type { SourceWords, TableWords } from './messages.ts'

/** Takes the bytes out of a table, for the body of a frame. */
export const toTableWords = (
  table: RunTable,
): { readonly words: TableWords; readonly body: readonly Uint8Array[] } => {
  const body: Uint8Array[] = []
  const sources = table.sources.map((source): SourceWords => {
    const { content } = source
    if (!('bytes' in content)) return { ...source, content }
    body.push(content.bytes)
    return { ...source, content: { bytes: content.bytes.length } }
  })
  return { words: { ...table, sources }, body }
}

/** Puts the bytes of a frame's body back into their places. */
export const toRunTable = (words: TableWords, body: Uint8Array): RunTable => {
  let at = 0
  const sources = words.sources.map((source): RunSource => {
    const { content } = source
    if (!('bytes' in content)) return { ...source, content }
    at += content.bytes
    return { ...source, content: { bytes: body.subarray(at - content.bytes, at) } }
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
