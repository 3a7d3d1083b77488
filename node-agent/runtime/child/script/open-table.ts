import { readTable } from '#agent/data/readers/read-table.ts'
import { contentHashBytes } from '#protocol/model/content.ts'
import type { RunMessage } from '../../messages.ts'
import { recordSentence, toRunTable } from '../../table-words.ts'
import type { OpenMiniBatch } from './open-mini-batch.ts'

/** Reads the records of a mini-batch: the message then names them as if they were files. */
export const openTable = async (message: RunMessage, body: Uint8Array): Promise<OpenMiniBatch> => {
  const { table } = message
  if (table === undefined) throw new Error('the mini-batch holds no records')
  const contents = Buffer.alloc(table.slices.length * contentHashBytes)
  const { columns, records } = await readTable(toRunTable(table, body), contents)
  const problems = new Map<number, string>()
  const names: string[] = []
  const values: Readonly<Record<string, unknown>>[] = []
  for (const [at, record] of records.entries()) {
    if (record.values === undefined) problems.set(at, recordSentence(record.name, record.problem))
    else {
      names.push(record.name)
      values.push(record.values)
    }
  }
  return {
    message: {
      ...message,
      items: records.map(({ item }) => item),
      names: records.map(({ name }) => name),
    },
    body,
    offsets: [],
    contents,
    problems,
    records: { all: records.length, columns, names, values },
  }
}
