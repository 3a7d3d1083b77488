import { resolve } from 'node:path'
import type { Setting } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import type { ExitCode } from '../exit-codes.ts'
import { printTried } from '../print-tried.ts'
import { readJobFile } from '../read-job-file.ts'

interface Options {
  readonly set?: Record<string, Setting>
  readonly param?: Record<string, Setting>
  readonly step?: string
  readonly items?: number
}

/** Like a submission, but the first items are run by this agent, and nothing stays of it. */
export const jobTry = async (cli: Cli, file: string, options: Options): Promise<ExitCode> => {
  const path = resolve(file)
  const answer = await cli.call('tryJob', {
    body: {
      text: await readJobFile(path),
      file: path,
      ...(options.set === undefined ? {} : { overrides: options.set }),
      ...(options.param === undefined ? {} : { parameters: options.param }),
      ...(options.step === undefined ? {} : { step: options.step }),
      ...(options.items === undefined ? {} : { count: options.items }),
    },
  })
  return printTried(cli, answer)
}
