import { readWholeTable } from '#agent/data/readers/read-files.ts'
import { limits } from '#protocol/limits.ts'
import type { SideInputStart } from '../../messages.ts'
import { recordSentence } from '../../table-words.ts'
import { Refusal } from './tensors.ts'

/** All records of a side input as JSON text. @throws Refusal with a sentence for the script */
export const readSideRows = async (
  sides: readonly SideInputStart[],
  name: unknown,
): Promise<Uint8Array> => {
  const side = sides.find((one) => one.name === name)
  const said = JSON.stringify(name)
  if (side === undefined) throw new Refusal(`The job has no side input ${said}.`)
  if (side.table === undefined)
    throw new Refusal(`The side input ${said} is no table: read its files at its path.`)
  const { path: folder, files, table } = side
  const read = await readWholeTable({
    folder,
    files,
    how: table,
    mostBytes: limits.scriptFrameBytes,
  })
  if (typeof read === 'string') throw new Refusal(`The side input ${said}: ${read}`)
  const broken = read.records.find((record) => record.values === undefined)
  if (broken !== undefined)
    throw new Refusal(`The side input ${said}: ${recordSentence(broken.name, broken.problem)}`)
  const text = Buffer.from(JSON.stringify(read.records.map(({ values }) => values)))
  if (text.length <= limits.scriptFrameBytes) return text
  throw new Refusal(
    `The side input ${said} is ${text.length} bytes as JSON, more than the ${limits.scriptFrameBytes} that can be read at once: read its files yourself.`,
  )
}
