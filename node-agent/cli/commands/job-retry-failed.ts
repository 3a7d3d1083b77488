import { randomUUID } from 'node:crypto'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'
import { countText } from '../text.ts'

export const jobRetryFailed = async (
  cli: Cli,
  from: string,
  options: { readonly watch?: boolean },
): Promise<ExitCode> => {
  const { job, items, wholeMiniBatches } = await cli.call('retryFailed', {
    query: { job: from },
    body: { submissionId: randomUUID() },
  })
  if (options.watch === true) {
    const { watchJob } = await import('../watch.ts')
    return watchJob(cli, job.id)
  }
  if (cli.json) {
    await cli.printJson({ job, items, wholeMiniBatches })
    return exitCodes.done
  }
  await cli.screen.line(
    `Submitted ${countText(items, 'item')} of ${safe(job.name)} again as job ${job.id}.`,
  )
  if (wholeMiniBatches > 0)
    await cli.screen.line(
      `${countText(wholeMiniBatches, 'mini-batch', 'mini-batches')} run again whole, since it is not known which of their items failed.`,
    )
  await cli.screen.line(`Follow it with \`muster job watch ${job.id}\`.`)
  return exitCodes.done
}
