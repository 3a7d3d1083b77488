// The iris flowers of examples/iris as one Parquet file with a row group for every thirty of them.
//
//   node tools/pinned-node.mjs examples/parquet/flowers.ts --folder examples/parquet/flowers
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parquetWriteFile } from 'hyparquet-writer'
import { columns, readFlowers } from '../iris/flowers.ts'

/** Mini-batches are cut at row groups: a file of one group is always one mini-batch. */
const rowGroupSize = 30

/** Writes `flowers.parquet`, without the species, and answers them in the order of the rows. */
export const writeFlowerTable = async (folder: string): Promise<readonly string[]> => {
  await mkdir(folder, { recursive: true })
  const flowers = readFlowers()
  parquetWriteFile({
    filename: join(folder, 'flowers.parquet'),
    columnData: columns.map((name, at) => ({
      name,
      data: flowers.map(({ sizes }) => sizes[at] ?? 0),
      type: 'DOUBLE' as const,
    })),
    rowGroupSize,
  })
  return flowers.map(({ species }) => species)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { folder: { type: 'string' } } })
  const folder = values.folder ?? fileURLToPath(new URL('flowers', import.meta.url))
  await writeFlowerTable(folder)
  console.log(`wrote flowers.parquet to ${folder}`)
}
