import type { AnswerOf } from '#protocol/control/api.ts'
import type { Cli } from './cli.ts'
import { exitCodes } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { safe } from './screen.ts'
import { printTable } from './table.ts'

/** Rows and problems of a dry run; the exit code says whether every item had a row. */
export const printTried = async (cli: Cli, answer: AnswerOf<'tryJob'>): Promise<ExitCode> => {
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
