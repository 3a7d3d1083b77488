import { parentPort, workerData } from 'node:worker_threads'
import { blobPath } from '#agent/data/blobs/blob-layout.ts'
import { writeFileFolder } from '#agent/data/output/file-folder.ts'
import type { OutputAnswer, OutputQuestion } from '#agent/data/output/output-writer.ts'
import { writeRowFile } from '#agent/data/output/row-file.ts'
import type { RowSource } from '#agent/ports/output.ts'
import { openOutputRows, toOutputError } from '#agent/store/output-rows.ts'
import type { OutputRows, OutputState } from '#agent/store/output-rows.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { err } from '#protocol/model/result.ts'

/**
 * Composition root of the thread that writes outputs: joins the rows of the store with the formats of files.
 * Nothing here waits for anybody but the disk, so it reads and writes without promises.
 */
const { database, blobs } = workerData as { readonly database: string; readonly blobs: string }
const port = parentPort
if (port === null) throw new Error('output-thread.ts is no program')

let rows: OutputRows | undefined
port.on('message', (question: OutputQuestion) => {
  port.postMessage(answer(question))
})

const answer = (question: OutputQuestion): OutputAnswer => {
  const { kind, wish } = question
  try {
    rows ??= openOutputRows(database)
    return rows.reading(wish.job, (state) => {
      const { mapHash } = wish
      if (mapHash !== undefined && !(state.isWhole() && state.mapHash() === mapHash))
        return err(changed)
      const check = createCheck(question)
      if (kind === 'rows') return writeRowFile(wish, within(state, wish.most ?? Infinity, check))
      const packPath = (pack: Parameters<typeof blobPath>[1]) => blobPath(blobs, pack)
      return writeFileFolder(wish, { source: state, packPath, check })
    })
  } catch (thrown) {
    return err(toOutputError(database, thrown))
  }
}

/** Throws once somebody gave up. */
const createCheck =
  ({ stop }: OutputQuestion) =>
  (): void => {
    if (Atomics.load(stop, 0) === 1)
      throw new MusterFailure(
        musterError('Aborted', 'Writing an output was stopped.', { retryable: true }),
      )
  }

/** The first rows of a source. */
const within = (state: OutputState, most: number, check: () => void): RowSource => ({
  values: function* () {
    let count = 0
    for (const value of state.values()) {
      if (count >= most) return
      if (count % limits.outputTurnRows === 0) check()
      count += 1
      yield value
    }
  },
})

const changed = musterError(
  'Aborted',
  'Rows came or went while the output was to be written: it is tried again.',
  { retryable: true },
)
