import { randomUUID } from 'node:crypto'
import type { JobView } from '#protocol/control/job-views.ts'
import { MusterFailure } from '#protocol/errors.ts'
import type { Setting } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'
import { tellRun, watchRun } from './job-submit.ts'

interface Options {
  readonly set?: Record<string, Setting>
  readonly param?: Record<string, Setting>
  readonly regenerate?: boolean
  readonly watch?: boolean
}

/** A job is submitted anew as it is recorded; a pipeline run, or one with parameters, from its file. */
export const jobResubmit = async (cli: Cli, from: string, options: Options): Promise<ExitCode> => {
  const isPlain = options.param === undefined && options.regenerate === undefined
  const job = isPlain ? await resubmitOne(cli, from, options) : undefined
  if (job === undefined) return resubmitRun(cli, from, options)
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

/** Undefined if there is no job of that id: it may be that of a pipeline run. */
const resubmitOne = async (
  cli: Cli,
  from: string,
  { set }: Options,
): Promise<JobView | undefined> => {
  try {
    return await cli.call('resubmitJob', {
      query: { job: from },
      body: { submissionId: randomUUID(), ...(set === undefined ? {} : { overrides: set }) },
    })
  } catch (thrown) {
    if (thrown instanceof MusterFailure && thrown.error.code === 'JobUnknown') return undefined
    throw thrown
  }
}

const resubmitRun = async (
  cli: Cli,
  from: string,
  { set, param, regenerate, watch }: Options,
): Promise<ExitCode> => {
  const run = await cli.call('resubmitPipeline', {
    query: { pipeline: from },
    body: {
      submissionId: randomUUID(),
      ...(set === undefined ? {} : { overrides: set }),
      ...(param === undefined ? {} : { parameters: param }),
      ...(regenerate === undefined ? {} : { regenerate }),
    },
  })
  if (watch === true) return watchRun(cli, run)
  if (cli.json) await cli.printJson(run)
  else await tellRun(cli, run)
  return exitCodes.done
}
