import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import type { RowFileWish, RowSource, WrittenFile } from '#agent/ports/output.ts'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { writeError } from '../disk.ts'
import { writeParquet } from './parquet.ts'
import {
  publishBeside,
  publishOnly,
  publishOver,
  sweepTemps,
  syncNames,
  takeAway,
  tempBeside,
} from './publish.ts'
import { createSink } from './sink.ts'
import type { Sink } from './sink.ts'
import { writeDelimited, writeJsonLines, writeLines } from './text-formats.ts'

/** What `writeRowFile` needs of a wish. */
export type RowFile = Omit<RowFileWish, 'job' | 'most' | 'mapHash'>

/**
 * Writes a file of rows, complete or not at all, and waits for the disk meanwhile: it belongs to a thread of
 * its own. What `rows` throws ends it.
 */
export const writeRowFile = (wish: RowFile, rows: RowSource): Result<WrittenFile, MusterError> => {
  const { folder, fileName } = wish
  const temp = tempBeside(folder, fileName)
  try {
    mkdirSync(folder, { recursive: true })
    sweepTemps(folder, fileName)
    const written = fill(temp, wish, rows)
    const path = publishers[wish.present](temp, folder, fileName)
    syncNames(folder)
    return ok({ path, ...written })
  } catch (thrown) {
    takeAway(temp)
    return err(writeError(thrown, `The output file ${fileName}`, folder))
  }
}

const publishers = {
  'other-name': publishBeside,
  replaced: publishOver,
  refused: publishOnly,
} as const

const fill = (temp: string, wish: RowFile, rows: RowSource): Omit<WrittenFile, 'path'> => {
  const file = openSync(temp, 'wx')
  try {
    const sink = createSink(file)
    const count = writeRows(wish, rows, sink)
    const bytes = sink.size()
    fsyncSync(file)
    return { rows: count, bytes }
  } finally {
    closeSync(file)
  }
}

const writeRows = (wish: RowFile, rows: RowSource, sink: Sink): number => {
  const { format, delimiter, header } = wish
  switch (format) {
    case 'parquet':
      return writeParquet(rows, sink)
    case 'jsonl':
      return writeJsonLines(rows, sink)
    case 'csv':
      return writeDelimited(rows, sink, { delimiter: delimiter ?? ',', header: header ?? true })
    case 'tsv':
      return writeDelimited(rows, sink, { delimiter: delimiter ?? '\t', header: header ?? true })
    case 'txt':
      return delimiter === undefined
        ? writeLines(rows, sink)
        : writeDelimited(rows, sink, { delimiter, header: header ?? false })
  }
}
