import { randomUUID } from 'node:crypto'
import type { Setting } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'

interface Options {
  readonly set?: Record<string, Setting>
  readonly watch?: boolean
}

export const jobResubmit = async (cli: Cli, from: string, options: Options): Promise<ExitCode> => {
  const job = await cli.call('resubmitJob', {
    query: { job: from },
    body: {
      submissionId: randomUUID(),
      ...(options.set === undefined ? {} : { overrides: options.set }),
    },
  })
  if (options.watch === true) {
    const { watchJob } = await import('../watch.ts')
    return watchJob(cli, job.id)
  }
  if (cli.json) await cli.printJson(job)
  else {
    await cli.screen.line(`Submitted ${safe(job.name)} anew as job ${job.id}.`)
    await cli.screen.line(`Follow it with \`muster job watch ${job.id}\`.`)
  }
  return exitCodes.done
}
