import { resolve } from 'node:path'
import type { Setting } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { readJobFile } from '../read-job-file.ts'
import { safe } from '../screen.ts'
import { printTable } from '../table.ts'

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
  const isFine = answer.problem === '' && answer.rows.every(({ failure }) => failure === '')
  if (cli.json) await cli.printJson(answer)
  else {
    for (const warning of answer.warnings) await cli.screen.line(`Warning: ${safe(warning)}`)
    if (answer.problem !== '') await cli.screen.line(safe(answer.problem))
    else {
      await printTable(
        cli.screen,
        [
          { title: 'ITEM', text: ({ name }) => name },
          {
            title: 'ROW',
            text: ({ value, failure }) =>
              failure === '' ? JSON.stringify(value) : `failed: ${failure}`,
          },
        ],
        answer.rows,
      )
      for (const left of answer.files) await cli.screen.line(`Left the file ${safe(left)}.`)
      await cli.screen.line(`Took ${Math.round(answer.runMs)} ms; nothing was recorded.`)
    }
  }
  return isFine ? exitCodes.done : exitCodes.jobFailed
}
