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

export const createModelFolder = (folder: string, blobs: Blobs): ModelFolder => ({
  place: (model) =>
    placeFiles(blobs, {
      target: join(folder, model.files[0]?.blob ?? 'none'),
      files: model.files,
      what: `Model ${model.name}:${model.version}`,
      code: 'ModelMissing',
    }),
})

/** Lays a script's bundle and the files beside it out as they stood in its author's folder. */
export interface ScriptFolder {
  /** All blobs of the script must be here. Gives the absolute folder; the bundle is its first file. */
  readonly place: (script: ScriptReference) => Promise<Result<string, MusterError>>
}

export const createScriptFolder = (folder: string, blobs: Blobs): ScriptFolder => ({
  place: async ({ entry, files }) => {
    const target = join(folder, nameOf(files))
    const what = `Script ${entry}`
    const placed = await placeFiles(blobs, { target, files, what, code: 'ScriptMissing' })
    return placed.ok ? ok(target) : placed
  },
})

/** Lays the files of a job's side input out under their own paths. */
export interface SideFolder {
  /** All its blobs must be here. Gives the absolute folder. */
  readonly place: (input: SideInput) => Promise<Result<string, MusterError>>
}

export const createSideFolder = (folder: string, blobs: Blobs): SideFolder => ({
  place: async ({ name, files }) => {
    const what = `Side input ${name}`
    const target = sideFolderOf(folder, files)
    const placed = await placeFiles(blobs, { target, files, what, code: 'InputMissing' })
    return placed.ok ? ok(target) : placed
  },
})

/** Where a side input is laid out below the folder of all. */
export const sideFolderOf = (folder: string, files: readonly ModelFile[]): string =>
  join(folder, nameOf(files))

/** Equal files under equal paths have one name. */
const nameOf = (files: readonly ModelFile[]): string =>
  createHash('sha256')
    .update(JSON.stringify(files.map((file) => [file.path, file.blob])))
    .digest('hex')

interface Placing {
  /** Folder that will hold exactly these files. */
  readonly target: string
  readonly files: readonly ModelFile[]
  readonly what: string
  readonly code: 'ModelMissing' | 'ScriptMissing' | 'InputMissing'
}

/** Gives the absolute path of the first file. */
const placeFiles = async (blobs: Blobs, placing: Placing): Promise<Result<string, MusterError>> => {
  const { target, files } = placing
  const main = files[0]
  if (main === undefined) return err(broken(placing, 'it has no files'))
  const mainPath = join(target, main.path)
  const fresh = join(dirname(target), `.${randomUUID()}`)
  try {
    if (await isWhole(placing)) return ok(mainPath)
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
    return ok(mainPath)
  } catch (thrown) {
    // Another worker process may have been quicker with the very same files.
    await rm(fresh, { recursive: true, force: true })
    if (await isWhole(placing)) return ok(mainPath)
    return err(broken(placing, thrownToText(thrown)))
  }
}

const isWhole = async ({ target, files }: Placing): Promise<boolean> => {
  for (const file of files) {
    const found = await stat(join(target, file.path)).catch(() => undefined)
    if (found?.size !== file.bytes) return false
  }
  return true
}

const broken = ({ what, code }: Placing, detail: string): MusterError =>
  musterError(code, `${what} could not be laid out on this machine.`, { retryable: true, detail })
