import { existsSync, readdirSync, rmSync } from 'node:fs'
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { createHash, randomUUID } from 'node:crypto'
import type { Blobs } from '#agent/ports/blobs.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { ScriptReference } from '#protocol/model/job.ts'
import type { SideInput } from '#protocol/model/input.ts'
import type { ModelFile, ModelReference } from '#protocol/model/model.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/** Lays a model's files beside each other under their own names, as runtimes want them. */
export interface ModelFolder {
  /** All blobs of the model must be here. Gives the absolute path of its `.onnx`. */
  readonly place: (model: ModelReference) => Promise<Result<string, MusterError>>
}

export const createModelFolder = (folder: string, blobs: PlacedBlobs): ModelFolder => {
  const place = createPlace(folder, blobs)
  return {
    place: async ({ name, version, files }) => {
      const placed = await place({ files, what: `Model ${name}:${version}`, code: 'ModelMissing' })
      return placed.ok ? ok(join(placed.value, files[0]?.path ?? '')) : placed
    },
  }
}

/** Lays a script's bundle and the files beside it out as they stood in its author's folder. */
export interface ScriptFolder {
  /** All blobs of the script must be here. Gives the absolute folder; the bundle is its first file. */
  readonly place: (script: ScriptReference) => Promise<Result<string, MusterError>>
}

export const createScriptFolder = (folder: string, blobs: PlacedBlobs): ScriptFolder => {
  const place = createPlace(folder, blobs)
  return {
    place: ({ entry, files }) => place({ files, what: `Script ${entry}`, code: 'ScriptMissing' }),
  }
}

/** Lays the files of a job's side input out under their own paths. */
export interface SideFolder {
  /** All its blobs must be here. Gives the absolute folder. */
  readonly place: (input: SideInput) => Promise<Result<string, MusterError>>
}

export const createSideFolder = (folder: string, blobs: PlacedBlobs): SideFolder => {
  const place = createPlace(folder, blobs)
  return {
    place: ({ name, files }) => place({ files, what: `Side input ${name}`, code: 'InputMissing' }),
  }
}

/** Where a side input is laid out below the folder of all. */
export const sideFolderOf = (folder: string, files: readonly ModelFile[]): string =>
  join(folder, nameOf(files))

type PlacedBlobs = Pick<Blobs, 'path'>

/** Equal files under equal paths have one name: of two models that differ in their weights alone, too. */
const nameOf = (files: readonly ModelFile[]): string =>
  createHash('sha256')
    .update(JSON.stringify(files.map((file) => [file.path, file.blob])))
    .digest('hex')

interface Placing {
  readonly files: readonly ModelFile[]
  readonly what: string
  readonly code: 'ModelMissing' | 'ScriptMissing' | 'InputMissing'
}

/** Lays files out in a folder of their own and gives its absolute path. */
const createPlace = (folder: string, blobs: PlacedBlobs) => {
  sweepFresh(folder)
  const underWay = new Map<string, Promise<Result<string, MusterError>>>()
  return (placing: Placing): Promise<Result<string, MusterError>> => {
    const target = join(folder, nameOf(placing.files))
    // Worker processes that start together want the same files, and the first may use them already when the
    // last is ready with its own.
    const running = underWay.get(target)
    if (running !== undefined) return running
    const mine = placeFiles(blobs, target, placing).finally(() => underWay.delete(target))
    underWay.set(target, mine)
    return mine
  }
}

/** What an agent that was killed had half laid out. */
const sweepFresh = (folder: string): void => {
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (name.startsWith('.')) rmSync(join(folder, name), { recursive: true, force: true })
}

const placeFiles = async (
  blobs: PlacedBlobs,
  target: string,
  placing: Placing,
): Promise<Result<string, MusterError>> => {
  const { files } = placing
  if (files.length === 0) return err(broken(placing, 'it has no files'))
  const fresh = join(dirname(target), `.${randomUUID()}`)
  try {
    if (await isWhole(target, files)) return ok(target)
    for (const file of files) {
      const path = resolve(fresh, file.path)
      // Names were checked at registration; a record of a stranger's agent is checked again here.
      if (!path.startsWith(fresh + sep))
        return err(broken(placing, `${file.path} leaves its folder`))
      await mkdir(dirname(path), { recursive: true })
      await copyFile(blobs.path(file.blob), path)
    }
    await rm(target, { recursive: true, force: true })
    await rename(fresh, target)
    return ok(target)
  } catch (thrown) {
    await rm(fresh, { recursive: true, force: true })
    return err(broken(placing, thrownToText(thrown)))
  }
}

const isWhole = async (target: string, files: readonly ModelFile[]): Promise<boolean> => {
  for (const file of files) {
    const found = await stat(join(target, file.path)).catch(() => undefined)
    if (found?.size !== file.bytes) return false
  }
  return true
}

const broken = ({ what, code }: Placing, detail: string): MusterError =>
  musterError(code, `${what} could not be laid out on this machine.`, { retryable: true, detail })
