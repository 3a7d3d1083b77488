import { resolve } from 'node:path'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import type { Setting } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { readJobFile } from '../read-job-file.ts'
import { safe } from '../screen.ts'

interface Options {
  readonly set?: Record<string, Setting>
  readonly param?: Record<string, Setting>
}

/** Reads a file as a submission would; what is wrong with it is told as a submission would. */
export const jobCheck = async (cli: Cli, file: string, options: Options): Promise<ExitCode> => {
  const path = resolve(file)
  const checked = await cli.call('checkFile', {
    body: {
      text: await readJobFile(path),
      file: path,
      ...(options.set === undefined ? {} : { overrides: options.set }),
      ...(options.param === undefined ? {} : { parameters: options.param }),
    },
  })
  if (cli.json) await cli.printJson(checked)
  const { problem, steps, warnings } = checked
  if (problem !== null) {
    if (cli.json) return exitCodes.refused
    const { message, retryable, position } = problem
    const place = position === undefined ? {} : { position }
    throw new MusterFailure(musterError('JobFileInvalid', message, { retryable, ...place }))
  }
  if (cli.json) return exitCodes.done
  for (const warning of warnings) await cli.screen.line(`Warning: ${safe(warning)}`)
  const names = steps.length === 1 ? 'one step' : `${steps.length} steps: ${steps.join(', ')}`
  await cli.screen.line(`Nothing is wrong with ${safe(file)}: ${safe(names)}.`)
  return exitCodes.done
}
