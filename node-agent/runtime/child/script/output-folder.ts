import { createHash, randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { limits } from '#protocol/limits.ts'
import { asBlobHash } from '#protocol/model/ids.ts'
import type { OutputFile } from '#protocol/model/rows.ts'
import { isOutputPath } from '#protocol/wire/chunk/output-path.ts'
import { packHead } from '#protocol/wire/pack/pack.ts'
import type { FilesMessage } from '../../messages.ts'
import { Refusal } from './tensors.ts'

/** The folder that a script may write to: what it finds there after a mini-batch belongs to that one. */
export interface OutputFolder {
  /** Takes away what belongs to no mini-batch. Folders stay: a script may have made them for all. */
  readonly sweep: () => void
  /**
   * Moves all files into a pack; undefined if there are none. @throws Refusal with a sentence if there is
   * anything that cannot travel
   */
  readonly collect: () => FilesMessage | undefined
}

/** @param packs folder for packs, out of the script's reach */
export const createOutputFolder = (folder: string, packs: string): OutputFolder => ({
  sweep: () => {
    for (const path of pathsIn(folder, '')) rmSync(join(folder, path), { force: true })
  },
  collect: () => {
    const paths = pathsIn(folder, '')
    if (paths.length === 0) return undefined
    const refused = whyNot(paths)
    if (refused !== undefined) throw new Refusal(refused)
    const name = randomUUID()
    const pack = openSync(join(packs, name), 'wx', 0o600)
    try {
      writeSync(pack, packHead(name))
      let room: number = limits.outputFileBytes
      const list = paths.map((path): OutputFile => {
        const { bytes, hash } = append(pack, join(folder, path), path, room)
        room -= bytes
        return { path, bytes, hash }
      })
      for (const path of paths) rmSync(join(folder, path), { force: true })
      return { pack: name, list }
    } catch (thrown) {
      rmSync(join(packs, name), { force: true })
      throw thrown
    } finally {
      closeSync(pack)
    }
  },
})

/** Everything but folders, by names: what a link or a pipe is called is found here and refused later. */
const pathsIn = (folder: string, below: string): readonly string[] => {
  const paths: string[] = []
  const entries = readdirSync(join(folder, below), { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) paths.push(...pathsIn(folder, path))
    else paths.push(path)
    if (paths.length > limits.outputFiles) break
  }
  return paths
}

const whyNot = (paths: readonly string[]): string | undefined => {
  if (paths.length > limits.outputFiles)
    return `run() left more than ${limits.outputFiles} files in its output directory, which is the most for one mini-batch.`
  const odd = paths.find((path) => !isOutputPath(path))
  return odd === undefined
    ? undefined
    : `run() left ${JSON.stringify(odd.slice(0, 100))} in its output directory, a name that not every machine can hold: use at most ${limits.outputPathLength} characters, none of <>:"\\|?*, no space or dot at its end and no name of a device, such as con.`
}

const buffer = Buffer.allocUnsafeSlow(1024 * 1024)

/** Never follows a link and never waits for a pipe: a script could mean any file of this user by one. */
const openFile = (file: string, path: string): number => {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  try {
    // Windows knows neither of the two flags.
    if (!lstatSync(file).isFile()) throw new Error('no file')
    const source = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    if (fstatSync(source).isFile()) return source
    closeSync(source)
  } catch {
    // A link, or gone since it was listed: the same sentence says it.
  }
  throw new Refusal(
    `run() left ${path} in its output directory, which is not a file that can be read: links and pipes cannot travel.`,
  )
}

const append = (
  pack: number,
  file: string,
  path: string,
  room: number,
): Omit<OutputFile, 'path'> => {
  const source = openFile(file, path)
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for (;;) {
      const read = readSync(source, buffer, 0, buffer.length, bytes)
      if (read === 0) return { bytes, hash: asBlobHash(hash.digest('hex')) }
      bytes += read
      if (bytes > room)
        throw new Refusal(
          `run() left more than ${limits.outputFileBytes / 2 ** 20} MiB in its output directory, which is the most for one mini-batch.`,
        )
      const part = buffer.subarray(0, read)
      hash.update(part)
      for (let done = 0; done < read;) done += writeSync(pack, part, done)
    }
  } finally {
    closeSync(source)
  }
}
