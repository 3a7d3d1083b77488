import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { modelFault } from './fault.ts'

/**
 * The `.onnx` that a path means: the file itself, or the only one in a folder.
 * @throws ModelFault `ModelMissing`, `ModelBroken`
 */
export const findModelFile = async (path: string): Promise<string> => {
  const facts = await stat(path).catch(() => undefined)
  if (facts === undefined) throw modelFault('ModelMissing', 'there is no such file')
  if (facts.isFile()) return path
  if (!facts.isDirectory()) throw modelFault('ModelBroken', 'it is neither a file nor a folder')
  const names = (await readdir(path)).filter((name) => name.toLowerCase().endsWith('.onnx'))
  const [only, second] = names.sort()
  if (only === undefined) throw modelFault('ModelMissing', 'there is no .onnx file in this folder')
  if (second !== undefined) {
    const sentence = `there are ${names.length} .onnx files in this folder ("${only}", "${second}", ...): name one`
    throw modelFault('ModelBroken', sentence)
  }
  return join(path, only)
}

/**
 * Sizes of the external data files, in their order. Every part of each name must be a real folder or file:
 * a symbolic link, or a file with a second name, could stand for a file outside.
 * @throws ModelFault `ModelMissing`, `ModelRefused`
 */
export const checkExternalFiles = async (
  folder: string,
  names: readonly string[],
): Promise<number> => {
  let bytes = 0
  for (const name of names) bytes += await checkExternalFile(folder, name)
  return bytes
}

const checkExternalFile = async (folder: string, name: string): Promise<number> => {
  const parts = name.split('/')
  let path = folder
  for (const [index, part] of parts.entries()) {
    path = join(path, part)
    const facts = await lstat(path).catch(() => undefined)
    if (facts === undefined) {
      throw modelFault('ModelMissing', `its external data file "${name}" is not beside it`)
    }
    if (facts.isSymbolicLink()) {
      throw modelFault('ModelRefused', `its external data file "${name}" is a symbolic link`)
    }
    if (index < parts.length - 1) continue
    if (!facts.isFile()) {
      throw modelFault('ModelRefused', `its external data "${name}" is not a file`)
    }
    if (facts.nlink > 1) {
      throw modelFault('ModelRefused', `its external data file "${name}" is a hard link`)
    }
    return facts.size
  }
  return 0
}
