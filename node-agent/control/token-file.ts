import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { controlFile } from '#protocol/control/control-file.ts'
import type { ControlFile } from '#protocol/control/control-file.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/**
 * Writes the file for its owner alone and complete or not at all; disposing removes it unless another
 * start has replaced it since.
 */
export const writeTokenFile = async (
  file: string,
  content: ControlFile,
): Promise<Result<AsyncDisposable, MusterError>> => {
  const draft = `${file}.${content.pid}.new`
  try {
    // A draft left by a crash may have other rights: the mode counts only for a file that is made.
    await rm(draft, { force: true })
    await writeFile(draft, `${JSON.stringify(content, undefined, 2)}\n`, {
      mode: 0o600,
      flag: 'wx',
    })
    await rename(draft, file)
  } catch (thrown) {
    await rm(draft, { force: true }).catch(() => undefined)
    return err(
      musterError(
        'HomeNotWritable',
        `The file ${file} cannot be written; make its folder writable or choose another with --home.`,
        { detail: thrownToText(thrown) },
      ),
    )
  }
  return ok({ [Symbol.asyncDispose]: () => removeOwn(file, content.token) })
}

const removeOwn = async (file: string, token: string): Promise<void> => {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    return
  }
  const parsed = controlFile.safeParse(found)
  if (parsed.success && parsed.data.token === token) await rm(file, { force: true })
}
