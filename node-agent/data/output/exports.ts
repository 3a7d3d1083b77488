import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { open, rm, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute } from 'node:path'
import type { ExportWish, Exports } from '#agent/ports/exports.ts'
import type { OutputWriter, RowFileWish } from '#agent/ports/output.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'

export interface ExportsDeps {
  readonly writer: OutputWriter
  /** Absolute folder for files on their way to a reader; what an earlier agent left there goes. */
  readonly folder: string
}

export const createExports = ({ writer, folder }: ExportsDeps): Exports => {
  rmSync(folder, { recursive: true, force: true })
  return {
    toFile: async ({ path, overwrite, ...wish }, signal) => {
      const refusal = await refusalOf(path)
      if (refusal !== undefined) return err(refusal)
      const present = overwrite ? 'replaced' : 'refused'
      const place = { folder: dirname(path), fileName: basename(path), present } as const
      return writer.write({ ...place, ...rowsOf(wish) }, signal)
    },
    toParts: async (wish, signal) => {
      const fileName = `${randomUUID()}.${wish.format}`
      const place = { folder, fileName, present: 'refused' } as const
      const written = await writer.write({ ...place, ...rowsOf(wish) }, signal)
      if (!written.ok) return written
      const { path, bytes } = written.value
      return ok({ bytes, parts: partsOf(path, signal) })
    },
  }
}

const rowsOf = (
  wish: ExportWish,
): Omit<RowFileWish, 'folder' | 'fileName' | 'present' | 'mapHash'> => wish

const refusalOf = async (path: string): Promise<MusterError | undefined> => {
  if (!isAbsolute(path))
    return musterError('RequestInvalid', `"${path}" is not an absolute path: give the whole path.`)
  const facts = await stat(dirname(path)).catch(() => undefined)
  if (facts?.isDirectory() === true) return undefined
  return musterError(
    'NotFound',
    `There is no folder ${dirname(path)}: make it first, or choose another place.`,
  )
}

/** The file's bytes; it goes with the last of them, or when nobody wants more. */
async function* partsOf(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    await using file = await open(path, 'r')
    for (;;) {
      signal.throwIfAborted()
      const part = Buffer.allocUnsafe(limits.bulkFrameBytes)
      const { bytesRead } = await file.read(part, 0, part.length, null)
      if (bytesRead === 0) return
      yield part.subarray(0, bytesRead)
    }
  } finally {
    await rm(path, { force: true })
  }
}
