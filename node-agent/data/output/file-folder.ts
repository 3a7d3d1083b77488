import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { FileSource, FilesWish, WrittenFiles } from '#agent/ports/output.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { OutputFile } from '#protocol/model/rows.ts'
import { packHeadBytes } from '#protocol/wire/pack/pack.ts'
import { systemCode, writeError } from '../disk.ts'
import { isSame, sweepTemps, syncNames, takeAway, tempBeside } from './publish.ts'

export interface FileFolderDeps {
  readonly source: FileSource
  readonly packPath: (pack: BlobHash) => string
  /** Throws when somebody gave up. */
  readonly check: () => void
}

/**
 * Lays the files of all mini-batches out in one folder, complete or not at all. Two mini-batches may have
 * written the same name: the first by plan order keeps it, the other's file goes to `mini-batch-N/`.
 */
export const writeFileFolder = (
  wish: FilesWish,
  deps: FileFolderDeps,
): Result<WrittenFiles, MusterError> => {
  const { folder, name } = wish
  const temp = tempBeside(folder, name)
  try {
    mkdirSync(folder, { recursive: true })
    sweepTemps(folder, name)
    const laying = layOutAll(temp, deps)
    if (laying.count === 0)
      return ok({ folder: '', count: 0, bytes: 0, note: noteOf(laying, deps) })
    for (const made of laying.folders) syncNames(made)
    const path =
      wish.present === 'replaced' ? replace(temp, folder, name) : beside(temp, folder, name)
    syncNames(folder)
    const { count, bytes } = laying
    return ok({ folder: path, count, bytes, note: noteOf(laying, deps) })
  } catch (thrown) {
    takeAway(temp)
    return err(writeError(thrown, `The folder ${name} with the files of scripts`, folder))
  }
}

interface Laying {
  readonly root: string
  readonly folders: Set<string>
  count: number
  bytes: number
  /** The first name that was taken, and how many were. */
  double: { readonly path: string; readonly miniBatch: number } | undefined
  doubles: number
  /** The first file whose bytes are not what its maker announced, and how many are not. */
  wrong: { readonly path: string; readonly miniBatch: number } | undefined
  wrongs: number
}

const layOutAll = (root: string, { source, packPath, check }: FileFolderDeps): Laying => {
  const laying: Laying = {
    root,
    folders: new Set(),
    count: 0,
    bytes: 0,
    double: undefined,
    doubles: 0,
    wrong: undefined,
    wrongs: 0,
  }
  for (const left of source.files()) {
    check()
    const pack = openPack(packPath(left.pack))
    try {
      let position = packHeadBytes
      for (const file of left.list) {
        layOut(laying, left.miniBatch, file, { pack, position })
        position += file.bytes
      }
    } finally {
      closeSync(pack)
    }
  }
  return laying
}

const openPack = (path: string): number => {
  try {
    return openSync(path, 'r')
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw thrown
    const message = 'Files of scripts are not on this machine yet: they are fetched again.'
    throw new MusterFailure(musterError('BlobMissing', message, { retryable: true, detail: path }))
  }
}

interface Place {
  readonly pack: number
  readonly position: number
}

const layOut = (laying: Laying, miniBatch: number, file: OutputFile, place: Place): void => {
  const { path, target } = claimPath(laying, miniBatch, file.path)
  let isRight: boolean
  try {
    isRight = copy(place, target, file)
    fsyncSync(target)
  } finally {
    closeSync(target)
  }
  if (isRight) {
    laying.count += 1
    laying.bytes += file.bytes
    return
  }
  rmSync(path, { force: true })
  laying.wrong ??= { path: file.path, miniBatch }
  laying.wrongs += 1
}

/** Opens a fresh file under the path, or under one that names the mini-batch if that is taken. */
const claimPath = (laying: Laying, miniBatch: number, path: string) => {
  for (let n = 0; ; n++) {
    const where = n === 0 ? path : `mini-batch-${miniBatch}${n === 1 ? '' : `-${n}`}/${path}`
    const whole = join(laying.root, where)
    try {
      makeFolders(laying, dirname(whole))
      return { path: whole, target: openSync(whole, 'wx') }
    } catch (thrown) {
      // The name is a file's, a folder's, or goes through a file. The file system also knows whether
      // it takes large and small letters for the same.
      if (!['EEXIST', 'ENOTDIR', 'EISDIR'].includes(systemCode(thrown))) throw thrown
    }
    if (n > 0) continue
    laying.double ??= { path, miniBatch }
    laying.doubles += 1
  }
}

const makeFolders = ({ root, folders }: Laying, folder: string): void => {
  if (folders.has(folder)) return
  mkdirSync(folder, { recursive: true })
  for (let made = folder; made.length >= root.length && !folders.has(made); made = dirname(made))
    folders.add(made)
}

const buffer = Buffer.allocUnsafeSlow(1024 * 1024)

/** True if the bytes are those that were announced. */
const copy = ({ pack, position }: Place, target: number, { bytes, hash }: OutputFile): boolean => {
  const sum = createHash('sha256')
  for (let done = 0; done < bytes;) {
    const read = readSync(pack, buffer, 0, Math.min(buffer.length, bytes - done), position + done)
    if (read === 0) return false
    const part = buffer.subarray(0, read)
    sum.update(part)
    for (let sent = 0; sent < read;) sent += writeSync(target, part, sent)
    done += read
  }
  return sum.digest('hex') === hash
}

const beside = (temp: string, folder: string, name: string): string => {
  for (let n = 1; ; n++) {
    const path = join(folder, n === 1 ? name : `${name}-${n}`)
    if (isSame(temp, path)) {
      takeAway(temp)
      return path
    }
    if (existsSync(path)) continue
    try {
      renameSync(temp, path)
      return path
    } catch (thrown) {
      // Somebody was faster.
      if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'EPERM'].includes(systemCode(thrown))) throw thrown
      if (!existsSync(path)) throw thrown
    }
  }
}

/** A folder cannot be renamed over another: the old one steps aside first. */
const replace = (temp: string, folder: string, name: string): string => {
  const path = join(folder, name)
  const aside = tempBeside(folder, name)
  if (existsSync(path)) renameSync(path, aside)
  renameSync(temp, path)
  rmSync(aside, { recursive: true, force: true })
  return path
}

const noteOf = (laying: Laying, { source }: FileFolderDeps): string => {
  const notes: string[] = []
  const { double, doubles, wrong, wrongs } = laying
  if (double !== undefined) {
    const first = firstWith(source, double.path, double.miniBatch)
    const more = doubles === 1 ? '' : `, and ${doubles - 1} more names were taken already`
    notes.push(
      `Mini-batches ${first} and ${double.miniBatch} both wrote ${double.path}${more}: what the later ones wrote stands in mini-batch-${double.miniBatch}/ and the like; let the script name its files by miniBatch.index.`,
    )
  }
  if (wrong !== undefined)
    notes.push(
      `${wrongs === 1 ? 'A file was' : `${wrongs} files were`} left out, such as ${wrong.path} of mini-batch ${wrong.miniBatch}: the machine that made them sent other bytes than it announced.`,
    )
  return notes.join(' ')
}

/** The mini-batch that has the name, or one that the file system takes for the same. */
const firstWith = (source: FileSource, path: string, before: number): number => {
  const folded = path.normalize().toLowerCase()
  for (const { miniBatch, list } of source.files())
    for (const file of list) {
      const other = file.path.normalize().toLowerCase()
      const isSame =
        other === folded || folded.startsWith(`${other}/`) || other.startsWith(`${folded}/`)
      if (isSame) return miniBatch
    }
  return before
}
