import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'

export const jobPause = (cli: Cli, job: string): Promise<ExitCode> =>
  change(cli, 'pauseJob', job, 'is paused')

export const jobResume = (cli: Cli, job: string): Promise<ExitCode> =>
  change(cli, 'resumeJob', job, 'goes on')

const change = async (
  cli: Cli,
  call: 'pauseJob' | 'resumeJob',
  job: string,
  words: string,
): Promise<ExitCode> => {
  const answer = await cli.call(call, { query: { job } })
  if (cli.json) await cli.printJson(answer)
  else await cli.screen.line(`The job ${safe(answer.name)} (${answer.id}) ${words}.`)
  return exitCodes.done
}
