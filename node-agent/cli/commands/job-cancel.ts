import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'

export const jobCancel = async (cli: Cli, job: string): Promise<ExitCode> => {
  const answer = await cli.call('cancelJob', { query: { job } })
  if (cli.json) await cli.printJson(answer)
  else
    await cli.screen.line(
      `The job ${safe(answer.name)} (${answer.id}) is being canceled; its rows so far stay.`,
    )
  return exitCodes.done
}
