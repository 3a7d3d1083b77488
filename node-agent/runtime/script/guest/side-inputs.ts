import type { SideInputWords } from '../words.ts'
import type { Channel } from './channel.ts'
import type { Row } from './items.ts'

/** A dataset that is not split: all of it is on every machine that works on the job. */
export interface SideInput {
  readonly name: string
  /** Folder in which its files lie; the script may read them. */
  readonly path: string
  /** Paths of its files below the folder, with `/`. */
  readonly files: readonly string[]
  /** All records, if it is a table; asked for once and kept. */
  readonly rows: () => Promise<readonly Row[]>
}

export const createSideInputs = (
  channel: Channel,
  given: readonly SideInputWords[],
): ((name: string) => SideInput) => {
  const known = new Map(given.map((words) => [words.name, createSideInput(channel, words)]))
  return (name) => {
    const found = known.get(name)
    if (found !== undefined) return found
    const names = [...known.keys()].map((one) => `"${one}"`).join(', ')
    throw new Error(
      `The job has no side input "${name}": ${names === '' ? 'name it under side_inputs of its file' : `it has ${names}`}.`,
    )
  }
}

const createSideInput = (channel: Channel, { name, path, files }: SideInputWords): SideInput => {
  let asked: Promise<readonly Row[]> | undefined
  return {
    name,
    path,
    files,
    rows: () =>
      (asked ??= channel
        .call({ what: 'sideRows', name })
        .then(({ body }) => JSON.parse(Buffer.from(body).toString('utf8')) as readonly Row[])),
  }
}
