import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'

export const jobExplain = async (
  cli: Cli,
  job: string,
  options: { readonly miniBatch?: number },
): Promise<ExitCode> => {
  const { miniBatch } = options
  const answer = await cli.call('explain', {
    query: { job, ...(miniBatch === undefined ? {} : { miniBatch }) },
  })
  if (cli.json) await cli.printJson(answer)
  else for (const line of answer.lines) await cli.screen.line(safe(line))
  return exitCodes.done
}
