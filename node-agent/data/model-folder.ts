import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { randomUUID } from 'node:crypto'
import type { Blobs } from '#agent/ports/blobs.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { ModelReference } from '#protocol/model/model.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/** Lays a model's files beside each other under their own names, as runtimes want them. */
export interface ModelFolder {
  /** All blobs of the model must be here. Gives the absolute path of its `.onnx`. */
  readonly place: (model: ModelReference) => Promise<Result<string, MusterError>>
}

export const createModelFolder = (folder: string, blobs: Blobs): ModelFolder => ({
  place: async (model) => {
    const main = model.files[0]
    if (main === undefined) return err(broken(model, 'it has no files'))
    const target = join(folder, main.blob)
    const mainPath = join(target, main.path)
    try {
      if (await isWhole(target, model)) return ok(mainPath)
      const fresh = join(folder, `.${randomUUID()}`)
      for (const file of model.files) {
        const path = resolve(fresh, file.path)
        // Names were checked at registration; a record of a stranger's agent is checked again here.
        if (!path.startsWith(fresh + sep))
          return err(broken(model, `${file.path} leaves its folder`))
        await mkdir(dirname(path), { recursive: true })
        await copyFile(blobs.path(file.blob), path)
      }
      await rm(target, { recursive: true, force: true })
      await rename(fresh, target)
      return ok(mainPath)
    } catch (thrown) {
      // Another worker process may have been quicker with the very same files.
      if (await isWhole(target, model)) return ok(mainPath)
      return err(broken(model, thrownToText(thrown)))
    }
  },
})

const isWhole = async (target: string, model: ModelReference): Promise<boolean> => {
  for (const file of model.files) {
    const found = await stat(join(target, file.path)).catch(() => undefined)
    if (found?.size !== file.bytes) return false
  }
  return true
}

const broken = (model: ModelReference, detail: string): MusterError =>
  musterError(
    'ModelMissing',
    `Model ${model.name}:${model.version} could not be laid out on this machine.`,
    { retryable: true, detail },
  )
