import { closeSync, openSync, readSync } from 'node:fs'
import { basename } from 'node:path'
import { limits } from '#protocol/limits.ts'
import { adviseOnPython } from '#protocol/spec/python-script.ts'

/** What to do about a Python entry script: a sentence with the command for its model, and a script to begin with. */
export const pythonAdvice = (path: string): { readonly message: string; readonly more: string } => {
  const name = basename(path)
  const { command, hint, skeleton } = adviseOnPython(readStart(path), name)
  const ported = name.replace(/\.py$/i, '.ts')
  const model =
    command === ''
      ? `${hint};`
      : `turn its model into ONNX with \`${command}\`${hint === '' ? '' : ` (${hint})`}, and`
  return {
    message:
      `"entry_script" is the Python script ${name}, but scripts here are TypeScript or JavaScript: ` +
      `${model} begin with the skeleton below, which \`muster script skeleton ${name}\` writes to ${ported}`,
    more: skeleton,
  }
}

/** The beginning of the script; empty if it cannot be read, then the skeleton has the usual names. */
const readStart = (path: string): string => {
  try {
    const file = openSync(path, 'r')
    try {
      const bytes = Buffer.alloc(limits.jobFileBytes)
      return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0))
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}
