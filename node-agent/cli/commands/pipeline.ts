import { setTimeout as sleep } from 'node:timers/promises'
import { groupDigits } from '#protocol/control/progress-line.ts'
import type { PipelineView, StepView } from '#protocol/control/pipeline-views.ts'
import { limits } from '#protocol/limits.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'
import { printFields, printTable } from '../table.ts'
import { dateText, tagsText } from '../text.ts'

export const pipelineList = async (
  cli: Cli,
  options: { readonly limit?: number; readonly experiment?: string },
): Promise<ExitCode> => {
  const answer = await cli.call('pipelines', { query: options })
  if (cli.json) await cli.printJson(answer)
  else if (answer.pipelines.length === 0)
    await cli.screen.line(
      options.experiment === undefined
        ? 'No pipeline runs yet; submit one with `muster job submit FILE`.'
        : 'No pipeline runs of that experiment; `muster experiment list` shows all experiments.',
    )
  else await printPipelines(cli, answer.pipelines)
  return exitCodes.done
}

export const printPipelines = (cli: Cli, pipelines: readonly PipelineView[]): Promise<void> =>
  printTable(
    cli.screen,
    [
      { title: 'PIPELINE', text: (run) => run.id },
      { title: 'NAME', text: (run) => run.name },
      { title: 'EXPERIMENT', text: (run) => run.experiment },
      { title: 'STATE', text: (run) => run.state },
      { title: 'STEPS', text: stepsText, right: true },
      { title: 'SUBMITTED', text: (run) => dateText(run.submittedAt) },
      { title: 'BY', text: (run) => run.submitterName },
      { title: 'PARAMETERS', text: (run) => tagsText(textsOf(run.parameters)) },
    ],
    pipelines,
  )

const stepsText = ({ steps }: PipelineView): string =>
  `${steps.filter(({ state }) => state === 'Completed').length} / ${steps.length}`

const textsOf = (values: PipelineView['parameters']): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))

export const pipelineShow = async (cli: Cli, pipeline: string): Promise<ExitCode> => {
  const run = await cli.call('pipeline', { query: { pipeline } })
  if (cli.json) {
    await cli.printJson(run)
    return exitCodes.done
  }
  await printFields(cli.screen, [
    ['Pipeline', run.id],
    ['Name', run.name],
    ['Experiment', run.experiment],
    ['Description', run.description],
    ['State', run.state],
    ['Paused', dateText(run.pausedAt)],
    ['Failed by', run.headline],
    ['Parameters', tagsText(textsOf(run.parameters))],
    ['Submitted', `${dateText(run.submittedAt)} by ${run.submitterName}`],
    ['Ended', dateText(run.endedAt)],
    ['Origin', run.origin],
  ])
  await cli.screen.line('')
  await printTable(
    cli.screen,
    [
      { title: 'STEP', text: (step) => step.name },
      { title: 'STATE', text: (step) => step.state },
      { title: 'JOB', text: (step) => step.job },
      { title: 'ITEMS', text: (step) => groupDigits(step.items), right: true },
      { title: 'FAILED', text: (step) => groupDigits(step.itemsFailed), right: true },
      { title: 'TAKEN OVER', text: takenText, right: true },
      { title: 'SECONDS', text: (step) => secondsText(step.seconds), right: true },
      { title: 'WHY', text: (step) => step.reason },
    ],
    run.steps,
  )
  const told = run.steps.filter(({ reuse }) => reuse !== '')
  if (told.length > 0) await cli.screen.line('')
  for (const { name, reuse } of told) await cli.screen.line(safe(`${name}: ${reuse}`))
  return exitCodes.done
}

const takenText = ({ takenOver, miniBatches }: StepView): string =>
  takenOver === 0 ? '' : `${groupDigits(takenOver)} / ${groupDigits(miniBatches)}`

export const secondsText = (seconds: number | null): string =>
  seconds === null ? '' : seconds.toFixed(1)

export const pipelineCancel = (cli: Cli, pipeline: string): Promise<ExitCode> =>
  change(cli, 'cancelPipeline', pipeline, 'is being canceled; rows so far stay')

export const pipelinePause = (cli: Cli, pipeline: string): Promise<ExitCode> =>
  change(cli, 'pausePipeline', pipeline, 'is paused')

export const pipelineResume = (cli: Cli, pipeline: string): Promise<ExitCode> =>
  change(cli, 'resumePipeline', pipeline, 'goes on')

const change = async (
  cli: Cli,
  call: 'cancelPipeline' | 'pausePipeline' | 'resumePipeline',
  pipeline: string,
  words: string,
): Promise<ExitCode> => {
  const run = await cli.call(call, { query: { pipeline } })
  if (cli.json) await cli.printJson(run)
  else await cli.screen.line(`The pipeline run ${safe(run.name)} (${run.id}) ${words}.`)
  return exitCodes.done
}

/** Follows a run until it has ended; a line for each change of a step. */
export const pipelineWatch = async (cli: Cli, pipeline: string): Promise<ExitCode> => {
  let last = ''
  for (;;) {
    const run = await cli.call('pipeline', { query: { pipeline } })
    const text = cli.json
      ? JSON.stringify(run)
      : `${run.state} · ${run.steps.map(stepText).join(' · ')}`
    if (text !== last) await cli.screen.line(safe(text))
    last = text
    if (run.endedAt !== null) return conclude(cli, run)
    await sleep(limits.watchRetryMs, undefined, { signal: cli.signal })
  }
}

const stepText = ({ name, state }: StepView): string => `${name} ${state}`

const conclude = async (cli: Cli, run: PipelineView): Promise<ExitCode> => {
  if (!cli.json) {
    if (run.headline !== '') await cli.screen.line(safe(run.headline))
    for (const { name, output } of run.steps)
      if (output !== '') await cli.screen.line(`Output of ${safe(name)}: ${safe(output)}`)
  }
  return run.state === 'Completed' ? exitCodes.done : exitCodes.jobFailed
}
