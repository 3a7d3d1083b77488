import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { AnswerOf, BodyOf } from '#protocol/control/api.ts'
import type { PipelineView } from '#protocol/control/pipeline-views.ts'
import { MusterFailure } from '#protocol/errors.ts'
import type { Setting } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { readJobFile } from '../read-job-file.ts'
import { safe } from '../screen.ts'
import { dateText } from '../text.ts'

interface Options {
  readonly set?: Record<string, Setting>
  readonly param?: Record<string, Setting>
  readonly regenerate?: boolean
  readonly now?: boolean
  readonly watch?: boolean
}

/**
 * The text goes to the agent with the file's absolute path, against which it resolves other paths. A file
 * that gives one job is answered with that job; others, and those with parameters, with their pipeline run.
 */
export const jobSubmit = async (cli: Cli, file: string, options: Options): Promise<ExitCode> => {
  const path = resolve(file)
  const body: Body = {
    text: await readJobFile(path),
    file: path,
    submissionId: randomUUID(),
    ...(options.set === undefined ? {} : { overrides: options.set }),
  }
  const isPlain =
    options.param === undefined && options.regenerate === undefined && options.now === undefined
  const job = isPlain ? await submitOne(cli, body) : undefined
  if (job === undefined) return submitRun(cli, body, options)
  tellWarnings(cli, job.warnings)
  if (options.watch === true) return watch(cli, job.id)
  if (cli.json) await cli.printJson(job)
  else await tellJob(cli, job.name, job.id)
  return exitCodes.done
}

type Body = BodyOf<'submitJob'>

/** Undefined for a file that does not give just one job, now. */
const submitOne = async (cli: Cli, body: Body): Promise<AnswerOf<'submitJob'> | undefined> => {
  try {
    return await cli.call('submitJob', { body })
  } catch (thrown) {
    if (thrown instanceof MusterFailure && thrown.error.code === 'NotOneJob') return undefined
    throw thrown
  }
}

const submitRun = async (
  cli: Cli,
  body: Body,
  { param, regenerate, now, watch: follow }: Options,
): Promise<ExitCode> => {
  const answer = await cli.call('submitPipeline', {
    body: {
      ...body,
      ...(param === undefined ? {} : { parameters: param }),
      ...(regenerate === undefined ? {} : { regenerate }),
      ...(now === undefined ? {} : { now }),
    },
  })
  const { pipeline, schedule, warnings } = answer
  tellWarnings(cli, warnings)
  if (follow === true && pipeline !== null) return watchRun(cli, pipeline)
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  if (schedule !== null) {
    const next = schedule.nextAt === null ? '' : ` It runs next at ${dateText(schedule.nextAt)}.`
    await cli.screen.line(`Scheduled ${safe(schedule.name)}.${next}`)
  }
  if (pipeline !== null) await tellRun(cli, pipeline)
  return exitCodes.done
}

const watch = async (cli: Cli, job: string): Promise<ExitCode> => {
  const { watchJob } = await import('../watch.ts')
  return watchJob(cli, job)
}

/** A run of one step is followed as the job that it is. */
export const watchRun = async (cli: Cli, { id, steps }: PipelineView): Promise<ExitCode> => {
  const [only, ...others] = steps
  if (only !== undefined && others.length === 0) return watch(cli, only.job)
  const { pipelineWatch } = await import('./pipeline.ts')
  return pipelineWatch(cli, id)
}

export const tellRun = async (cli: Cli, run: PipelineView): Promise<void> => {
  const [only, ...others] = run.steps
  if (only !== undefined && others.length === 0) return tellJob(cli, run.name, only.job)
  await cli.screen.line(`Submitted ${safe(run.name)} as pipeline run ${run.id}.`)
  await cli.screen.line(`Follow it with \`muster pipeline watch ${run.id}\`.`)
}

const tellJob = async (cli: Cli, name: string, id: string): Promise<void> => {
  await cli.screen.line(`Submitted ${safe(name)} as job ${id}.`)
  await cli.screen.line(`Follow it with \`muster job watch ${id}\`.`)
}

/** Beside the answer, so that programs read only that. With --json they stand in it. */
const tellWarnings = (cli: Cli, warnings: readonly string[] = []): void => {
  if (!cli.json) for (const warning of warnings) cli.screen.note(`Warning: ${safe(warning)}`)
}
