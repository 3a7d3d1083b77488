// Sheets of 84 x 84 pixels with one handwritten digit somewhere on each: the input of this example.
//
//   node tools/pinned-node.mjs examples/two-models/sheets.ts --count 60
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { digitSide, encodeGreyPng, readDigits } from '../mnist/digits.ts'

const sheetSide = 84

/** What is on a sheet, and where its top left corner is. */
export interface Sheet {
  readonly name: string
  readonly label: number
  readonly x: number
  readonly y: number
}

/** Where digit `at` stands: somewhere else each time, and the same on every machine. */
const placeOf = (at: number): number => (at * 37 + 11) % (sheetSide - digitSide + 1)

/** Writes the first `count` test digits, each on a sheet of its own. */
export const writeSheets = async (folder: string, count: number): Promise<readonly Sheet[]> => {
  await mkdir(folder, { recursive: true })
  const { pixels, labels } = await readDigits()
  const sheets: Sheet[] = []
  for (const [at, label] of labels.subarray(0, count).entries()) {
    const [x, y] = [placeOf(at), placeOf(at * 3 + 1)]
    const paper = new Uint8Array(sheetSide * sheetSide)
    for (let row = 0; row < digitSide; row += 1) {
      const from = (at * digitSide + row) * digitSide
      paper.set(pixels.subarray(from, from + digitSide), (y + row) * sheetSide + x)
    }
    const name = `${String(at).padStart(5, '0')}.png`
    await writeFile(join(folder, name), encodeGreyPng(paper, sheetSide, sheetSide))
    sheets.push({ name, label, x, y })
  }
  return sheets
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { folder: { type: 'string' }, count: { type: 'string', default: '60' } },
  })
  const folder = values.folder ?? fileURLToPath(new URL('sheets', import.meta.url))
  const { length } = await writeSheets(folder, Number(values.count))
  console.log(`wrote ${length} sheets to ${folder}`)
}
