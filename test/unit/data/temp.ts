import { mkdir, mkdtempDisposable, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A folder that is gone when its scope ends. */
export const tempFolder = () => mkdtempDisposable(join(tmpdir(), 'muster-data-'))

/** A modification time that is not "now", so that rewriting a file is noticed. */
export const oldTime = new Date('2024-05-06T07:08:09.123Z')

/** Writes files of the given contents below a folder, each with `oldTime`. */
export const writeFiles = async (
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<void> => {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
    await utimes(path, oldTime, oldTime)
  }
}
