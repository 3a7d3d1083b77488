import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { suggestJob } from '#protocol/spec/suggest-job.ts'
import type { Setting } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import type { ExitCode } from '../exit-codes.ts'
import { printTried } from '../print-tried.ts'
import { safe } from '../screen.ts'

interface Options {
  readonly set?: Record<string, Setting>
  readonly items?: number
}

const tableEnding = /\.(?:csv|tsv|jsonl|parquet)$/i

/** Runs a registered model on the first items of a folder, a file or a table, as its inputs suggest. */
export const modelTry = async (
  cli: Cli,
  model: string,
  path: string,
  options: Options,
): Promise<ExitCode> => {
  const facts = await cli.call('model', { query: { model } })
  const place = await placeOf(path)
  const isTable = tableEnding.test(place.patterns[0] ?? '')
  const suggested = suggestJob(facts, isTable)
  if (typeof suggested === 'string')
    throw new MusterFailure(musterError('ModelMismatch', suggested))
  const file = {
    name: 'model-try',
    model: `${facts.name}:${facts.version}`,
    inputs: { items: { ...place, ...(isTable ? { type: 'table' } : {}) } },
    ...suggested,
  }
  const answer = await cli.call('tryJob', {
    body: {
      text: JSON.stringify(file, null, 2),
      file: join(process.cwd(), 'model-try.json'),
      ...(options.set === undefined ? {} : { overrides: options.set }),
      ...(options.items === undefined ? {} : { count: options.items }),
    },
  })
  if (!cli.json) {
    for (const [field, value] of Object.entries(suggested))
      await cli.screen.line(`${field}: ${safe(JSON.stringify(value))}`)
    await cli.screen.line('')
  }
  return printTried(cli, answer)
}

/** A folder with all its files, or a file in its folder. */
const placeOf = async (
  path: string,
): Promise<{ readonly path: string; readonly patterns: readonly string[] }> => {
  const absolute = resolve(path)
  const found = await stat(absolute).catch(() => undefined)
  if (found?.isDirectory() === true) return { path: absolute, patterns: ['**/*'] }
  if (found?.isFile() === true) return { path: dirname(absolute), patterns: [basename(absolute)] }
  throw new MusterFailure(
    musterError('InputMissing', `There is no file or folder ${absolute}; check the path.`),
  )
}
