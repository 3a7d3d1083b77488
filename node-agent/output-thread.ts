import { parentPort, workerData } from 'node:worker_threads'
import type { OutputAnswer, OutputQuestion } from '#agent/data/output/output-writer.ts'
import { writeRowFile } from '#agent/data/output/row-file.ts'
import type { RowFileWish, RowSource } from '#agent/ports/output.ts'
import { openOutputRows, toOutputError } from '#agent/store/output-rows.ts'
import type { OutputRows, OutputState } from '#agent/store/output-rows.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { err } from '#protocol/model/result.ts'

/**
 * Composition root of the thread that writes outputs: joins the rows of the store with the formats of files.
 * Nothing here waits for anybody but the disk, so it reads and writes without promises.
 */
const { database } = workerData as { readonly database: string }
const port = parentPort
if (port === null) throw new Error('output-thread.ts is no program')

let rows: OutputRows | undefined
port.on('message', (question: OutputQuestion) => {
  port.postMessage(answer(question))
})

const answer = ({ wish, stop }: OutputQuestion): OutputAnswer => {
  try {
    rows ??= openOutputRows(database)
    return rows.reading(wish.job, (state) => {
      if (wish.mapHash !== undefined && !(state.isWhole() && state.mapHash() === wish.mapHash))
        return err(changed(wish))
      return writeRowFile(wish, within(state, wish, stop))
    })
  } catch (thrown) {
    return err(toOutputError(database, thrown))
  }
}

/** The first rows of a source, until somebody gives up. */
const within = (
  state: OutputState,
  { most = Infinity, fileName }: RowFileWish,
  stop: OutputQuestion['stop'],
): RowSource => ({
  values: function* () {
    let count = 0
    for (const value of state.values()) {
      if (count >= most) return
      if (count % limits.outputTurnRows === 0 && Atomics.load(stop, 0) === 1)
        throw new MusterFailure(
          musterError('Aborted', `Writing the output file ${fileName} was stopped.`, {
            retryable: true,
          }),
        )
      count += 1
      yield value
    }
  },
})

const changed = ({ fileName }: RowFileWish) =>
  musterError(
    'Aborted',
    `Rows came or went while ${fileName} was to be written: it is tried again.`,
    {
      retryable: true,
    },
  )
