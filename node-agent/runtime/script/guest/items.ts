import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Channel } from './channel.ts'
import type { DirectInputWords, ItemFacts, RunWords } from '../words.ts'

/** One file of a mini-batch. */
export interface Item {
  /** Path below the input's root, with `/`. */
  readonly name: string
  /** Number of the item in the whole job. */
  readonly id: number
  /** Place in this mini-batch, from 0. */
  readonly index: number
  /** A file with its bytes; gone when the mini-batch ends. Where the script opens items by itself: the file itself. */
  readonly path: () => Promise<string>
  readonly bytes: () => Promise<Uint8Array>
  /** Present where the mode of the items' input is `direct`: the script opens them by itself. */
  readonly reference?: ItemReference
}

/** A file where it lies. */
export interface ItemReference {
  /** As everybody calls it: `share:photos/july/1.png`, or its path on the machine that holds it. */
  readonly place: string
  /** Where it is for this machine. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  readonly modifiedMs: number
}

/** A record of a table: values by column. */
export type Row = Readonly<Record<string, unknown>>

export interface MiniBatch extends Iterable<Item> {
  readonly id: number
  readonly index: number
  /** Items in it; for tables its records, broken ones too. */
  readonly size: number
  readonly length: number
  /** Files; empty for tables. */
  readonly items: readonly Item[]
  /** Name of the input that the items are of; empty if the job has one only. */
  readonly input: string
  /** Values of the job's partition keys; empty without any. */
  readonly partition: Readonly<Record<string, unknown>>
  /** Names of the columns of a table; empty for files. */
  readonly columns: readonly string[]
  /** The records of a table that can be read; broken ones count as failed. */
  readonly rows: () => Promise<readonly Row[]>
  /** What each of the rows is known by, such as `flowers.csv#7`: may be given as a row's `key`. */
  readonly rowNames: () => Promise<readonly string[]>
}

export const createMiniBatch = (
  channel: Channel,
  run: RunWords,
  direct: readonly DirectInputWords[] = [],
): MiniBatch => {
  // A job with one input names none.
  const folder = direct.find(({ name }) => name === run.input) ?? direct[0]
  const items = run.names.map((name, at): Item => {
    const base = { name, id: run.items[at] ?? 0, index: at }
    const facts = run.facts?.[at] ?? null
    if (facts !== null && folder !== undefined) return { ...base, ...openedBy(folder, name, facts) }
    return {
      ...base,
      path: async () => String((await channel.call({ what: 'path', at })).value),
      bytes: async () => Uint8Array.from((await channel.call({ what: 'bytes', at })).body),
    }
  })
  const { table } = run
  const size = table === null ? items.length : table.records
  let asked: Promise<Records> | undefined
  const records = (): Promise<Records> => (asked ??= askRecords(channel, run))
  const miniBatch: MiniBatch = {
    id: run.miniBatch,
    index: run.miniBatch,
    size,
    length: size,
    items,
    input: run.input,
    partition: Object.freeze({ ...run.partition }),
    columns: table?.columns ?? [],
    rows: async () => (await records()).rows,
    rowNames: async () => (await records()).names,
    [Symbol.iterator]: () => items[Symbol.iterator](),
  }
  return miniBatch
}

/** A file that the script opens by itself. */
const openedBy = (
  folder: DirectInputWords,
  name: string,
  [size, modifiedMs]: NonNullable<ItemFacts>,
): Pick<Item, 'path' | 'bytes' | 'reference'> => {
  const path = join(folder.path, name)
  return {
    reference: Object.freeze({ place: `${folder.place}/${name}`, path, size, modifiedMs }),
    path: () => Promise.resolve(path),
    bytes: async () => new Uint8Array(await readFile(path)),
  }
}

interface Records {
  readonly rows: readonly Row[]
  readonly names: readonly string[]
}

const askRecords = async (channel: Channel, { table }: RunWords): Promise<Records> => {
  if (table === null)
    throw new Error(
      'miniBatch.rows() is for tables, but the items of this job are files: read each with item.bytes(), or give the input "type: table".',
    )
  const { value, body } = await channel.call({ what: 'rows' })
  return {
    names: value as readonly string[],
    rows: JSON.parse(Buffer.from(body).toString('utf8')) as readonly Row[],
  }
}
