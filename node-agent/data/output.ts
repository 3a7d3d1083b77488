import { link, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { extname, join } from 'node:path'
import process from 'node:process'
import type { OutputRow, OutputWriter } from '#agent/ports/data.ts'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import { createTextAppender, sizeOf, syncFolder, systemCode, writeError } from './disk.ts'
import { createCsvFormat } from './output-csv.ts'
import type { OutputFormat } from './output-csv.ts'

/**
 * Writes output files: `.csv`, `.jsonl`, and one line an element for every other ending. The file gets its
 * name when all of it is on the disk; until then it is hidden, and any failure takes it away.
 */
export const createOutputWriter = (): OutputWriter => {
  let writes = 0
  return {
    write: async (folder, fileName, rows, signal) => {
      const temp = join(folder, `.${fileName}.${process.pid}-${++writes}${tempEnding}`)
      try {
        await mkdir(folder, { recursive: true })
        await sweep(folder, fileName)
        await writeRows(temp, formatOf(fileName), rows, signal)
        const path = await publish(temp, folder, fileName)
        await syncFolder(folder)
        return ok(path)
      } catch (thrown) {
        await rm(temp, { force: true })
        return err(toError(thrown, fileName, folder, signal))
      }
    },
  }
}

const tempEnding = '.part'

const toError = (
  thrown: unknown,
  fileName: string,
  folder: string,
  signal: AbortSignal,
): MusterError => {
  const aborted = signal.aborted && thrown === signal.reason
  const cause = aborted ? new DOMException('aborted', 'AbortError') : thrown
  return writeError(cause, `The output file ${fileName}`, folder)
}

const formatOf = (fileName: string): OutputFormat => {
  switch (extname(fileName).toLowerCase()) {
    case '.csv':
      return createCsvFormat()
    case '.jsonl':
      return { add: (value) => `${oneLine(value)}\n`, end: () => '' }
    default:
      return { add: (value) => `${plain(value)}\n`, end: () => '' }
  }
}

/** JSON text on one line; text that is no JSON becomes a JSON string. */
const oneLine = (value: string): string => {
  try {
    const parsed: unknown = JSON.parse(value)
    return /[\r\n]/.test(value) ? JSON.stringify(parsed) : value
  } catch {
    return JSON.stringify(value)
  }
}

/** A string stands as it is, unless its line breaks would make several lines of one element. */
const plain = (value: string): string => {
  const text = oneLine(value)
  if (!text.startsWith('"')) return text
  const content = JSON.parse(text) as string
  return /[\r\n]/.test(content) ? text : content
}

const writeRows = async (
  temp: string,
  format: OutputFormat,
  rows: AsyncIterable<OutputRow>,
  signal: AbortSignal,
): Promise<void> => {
  {
    await using file = await open(temp, 'wx')
    const out = createTextAppender(file)
    for await (const row of rows) {
      signal.throwIfAborted()
      const text = format.add(row.value)
      if (text !== '') await out.append(text)
    }
    signal.throwIfAborted()
    await out.append(format.end())
    await out.flush()
    await file.sync()
  }
  await format.finish?.(temp, signal)
}

/** Gives the finished file its name, or `name-2.csv` and so on if that is taken. */
const publish = async (temp: string, folder: string, fileName: string): Promise<string> => {
  const ending = extname(fileName)
  const stem = ending === '' ? fileName : fileName.slice(0, -ending.length)
  for (let n = 1; ; n++) {
    const path = join(folder, n === 1 ? fileName : `${stem}-${n}${ending}`)
    if (await claim(temp, path)) return path
  }
}

/** True if the file now has this name. A link refuses to replace a file; a rename does not. */
const claim = async (temp: string, path: string): Promise<boolean> => {
  try {
    await link(temp, path)
    await rm(temp, { force: true })
    return true
  } catch (thrown) {
    const code = systemCode(thrown)
    if (code === 'EEXIST') return false
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'].includes(code)) throw thrown
  }
  // A file system without links, such as a USB stick's: look first, then rename.
  if ((await sizeOf(path)) !== undefined) return false
  await rename(temp, path)
  return true
}

/** Takes away what an agent that was killed left of this file. */
const sweep = async (folder: string, fileName: string): Promise<void> => {
  const start = `.${fileName}.`
  for (const name of await readdir(folder)) {
    if (!name.startsWith(start) || !name.endsWith(tempEnding)) continue
    const mine = name.startsWith(`${start}${process.pid}-`)
    if (!mine) await rm(join(folder, name), { force: true })
  }
}
