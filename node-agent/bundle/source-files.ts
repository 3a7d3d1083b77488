import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { BundledFile } from '#agent/ports/bundler.ts'
import { MusterFailure, musterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { createIgnore, ignoreFileName } from './ignore-file.ts'

/** Folders of tools and packages, which are never part of a script's own files. */
const never = new Set(['node_modules', '.git', '.venv', '__pycache__'])

/**
 * The files of a source folder that travel with its script, sorted by name: all but what `.musterignore`
 * names, packages, and names that begin with a dot. A link is taken as what it leads to, if that lies
 * inside the folder. @throws MusterFailure `ScriptInvalid` if a link leads out, or there is too much
 */
export const listSourceFiles = async (
  folder: string,
  signal: AbortSignal,
): Promise<readonly BundledFile[]> => {
  const root = await realpath(folder)
  const ignore = createIgnore(await readFile(join(root, ignoreFileName), 'utf8').catch(() => ''))
  const files: BundledFile[] = []
  let bytes = 0
  const walk = async (below: string): Promise<void> => {
    const entries = await readdir(join(root, below), { withFileTypes: true })
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const entry of entries) {
      signal.throwIfAborted()
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.name.startsWith('.') || never.has(entry.name) || ignore(path)) continue
      if (entry.isDirectory()) await walk(path)
      else {
        const size = await sizeInside(root, path)
        if (size === undefined) continue
        bytes += size
        files.push({ path, content: { file: join(root, path) } })
        if (files.length >= limits.scriptFiles || bytes > limits.scriptSourceBytes)
          throw tooMuch(folder, files.length, bytes)
      }
    }
  }
  await walk('')
  return files
}

/** Size of a file; undefined for what is none, such as a pipe or a link to a folder. */
const sizeInside = async (root: string, path: string): Promise<number | undefined> => {
  const real = await realpath(join(root, path)).catch(() => undefined)
  if (real === undefined) return undefined
  if (!real.startsWith(root + sep))
    throw invalid(
      `The link ${path} in the source folder leads out of it, to ${real}: copy the file in, or name it in ${ignoreFileName}.`,
    )
  const facts = await stat(real)
  return facts.isFile() ? facts.size : undefined
}

const tooMuch = (folder: string, files: number, bytes: number): MusterFailure =>
  invalid(
    `The source folder ${folder} has ${files} files of ${bytes} bytes or more, but at most ` +
      `${limits.scriptFiles - 1} files of ${limits.scriptSourceBytes} bytes travel with a script: ` +
      `name what is not needed in ${ignoreFileName}.`,
  )

const invalid = (message: string): MusterFailure =>
  new MusterFailure(musterError('ScriptInvalid', message))
