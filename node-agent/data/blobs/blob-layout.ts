import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import { sizeOf, syncFolder, systemCode, writeError } from '../disk.ts'

/** Where things lie below the blob folder, and the one way a blob becomes visible. */
export interface BlobLayout {
  readonly folder: string
  readonly path: (blob: BlobHash) => string
  /** A fresh path for a file that is being written. */
  readonly tempPath: () => string
  readonly partialFolder: string
  readonly corruptFolder: string
  /** Makes a complete, fsynced file visible as `blob`, durably. */
  readonly publish: (temp: string, blob: BlobHash) => Promise<void>
}

/** Where a blob lies below the blob folder. */
export const blobPath = (folder: string, blob: BlobHash): string => {
  if (!/^[0-9a-f]{64}$/.test(blob)) throw new Error(`"${blob}" is no blob's name`)
  return join(folder, blob.slice(0, 2), blob.slice(2))
}

/** A blob past the limit, in words. */
export const checkSize = (bytes: number): MusterError | undefined =>
  bytes <= limits.blobBytes
    ? undefined
    : musterError(
        'Full',
        `A file of ${bytes} bytes is larger than the ${limits.blobBytes} bytes that a blob may have.`,
      )

/** Makes the folders and sweeps what a killed agent left. @throws MusterFailure `HomeNotWritable` */
export const createBlobLayout = (folder: string): BlobLayout => {
  const tempFolder = join(folder, 'temp')
  const partialFolder = join(folder, 'partial')
  const corruptFolder = join(folder, 'corrupt')
  prepareFolders(folder, tempFolder, [partialFolder, corruptFolder])
  let temps = 0
  const path = (blob: BlobHash): string => blobPath(folder, blob)
  return {
    folder,
    path,
    tempPath: () => join(tempFolder, `${process.pid}-${++temps}`),
    partialFolder,
    corruptFolder,
    publish: (temp, blob) => publish(folder, temp, path(blob)),
  }
}

const prepareFolders = (folder: string, temp: string, kept: readonly string[]): void => {
  try {
    rmSync(temp, { recursive: true, force: true })
    mkdirSync(temp, { recursive: true })
    for (const path of kept) {
      mkdirSync(path, { recursive: true })
      sweepOld(path)
    }
  } catch (thrown) {
    throw new MusterFailure(writeError(thrown, 'The blob folder', folder))
  }
}

const sweepOld = (folder: string): void => {
  const oldest = Date.now() - limits.leftoverBlobMs
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (statSync(path).mtimeMs < oldest) rmSync(path, { recursive: true, force: true })
  }
}

const publish = async (folder: string, temp: string, path: string): Promise<void> => {
  try {
    await rename(temp, path)
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') {
      await mkdir(dirname(path), { recursive: true })
      await syncFolder(folder)
      await rename(temp, path)
    } else if ((await sizeOf(path)) === undefined) throw thrown
    // Else: Windows refuses to replace a file that is being read; the same bytes are there already.
    else await rm(temp, { force: true })
  }
  await syncFolder(dirname(path))
}
