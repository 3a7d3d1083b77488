import { progressLine } from '#protocol/control/progress-line.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { printTable } from '../table.ts'
import { dateText } from '../text.ts'

export const jobList = async (
  cli: Cli,
  options: { readonly limit?: number },
): Promise<ExitCode> => {
  const answer = await cli.call('jobs', {
    query: options.limit === undefined ? {} : { limit: options.limit },
  })
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  if (answer.jobs.length === 0) {
    await cli.screen.line('No jobs yet; submit one with `muster job submit FILE`.')
    return exitCodes.done
  }
  await printTable(
    cli.screen,
    [
      { title: 'JOB', text: (job) => job.id },
      { title: 'NAME', text: (job) => job.name },
      { title: 'EXPERIMENT', text: (job) => job.experiment },
      { title: 'PIPELINE', text: (job) => (job.pipelineName === job.name ? '' : job.pipelineName) },
      { title: 'STATE', text: (job) => job.state },
      { title: 'SUBMITTED', text: (job) => dateText(job.submittedAt) },
      { title: 'BY', text: (job) => job.submitterName },
      { title: 'PROGRESS', text: progressLine },
    ],
    answer.jobs,
  )
  return exitCodes.done
}
