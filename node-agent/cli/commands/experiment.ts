import { groupDigits } from '#protocol/control/progress-line.ts'
import type { ComparisonView } from '#protocol/control/pipeline-views.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { printTable } from '../table.ts'
import { dateText } from '../text.ts'
import { printPipelines, secondsText } from './pipeline.ts'

export const experimentList = async (cli: Cli): Promise<ExitCode> => {
  const answer = await cli.call('experiments')
  if (cli.json) await cli.printJson(answer)
  else if (answer.experiments.length === 0)
    await cli.screen.line('No experiments yet; each submitted run belongs to one.')
  else
    await printTable(
      cli.screen,
      [
        { title: 'EXPERIMENT', text: (one) => one.name },
        { title: 'RUNS', text: (one) => groupDigits(one.runs), right: true },
        { title: 'COMPLETED', text: (one) => groupDigits(one.completed), right: true },
        { title: 'FAILED', text: (one) => groupDigits(one.failed), right: true },
        { title: 'OPEN', text: (one) => groupDigits(one.open), right: true },
        { title: 'LAST', text: (one) => dateText(one.lastAt) },
      ],
      answer.experiments,
    )
  return exitCodes.done
}

export const experimentShow = async (
  cli: Cli,
  experiment: string,
  options: { readonly limit?: number },
): Promise<ExitCode> => {
  const answer = await cli.call('pipelines', { query: { ...options, experiment } })
  // An experiment is its runs.
  if (answer.pipelines.length === 0)
    throw new MusterFailure(
      musterError(
        'NotFound',
        `There is no experiment "${experiment}"; \`muster experiment list\` shows all of them.`,
      ),
    )
  if (cli.json) await cli.printJson(answer)
  else await printPipelines(cli, answer.pipelines)
  return exitCodes.done
}

export const experimentCompare = async (
  cli: Cli,
  names: readonly string[],
  options: { readonly limit?: number },
): Promise<ExitCode> => {
  const answer = await cli.call('compareExperiments', {
    query: { of: names.join(','), ...options },
  })
  if (cli.json) await cli.printJson(answer)
  else await printComparison(cli, answer)
  return exitCodes.done
}

interface Line {
  readonly mark: string
  readonly name: string
  readonly values: readonly string[]
}

/** One column for each run; a star marks what differs. */
const printComparison = (cli: Cli, { runs, settings }: ComparisonView): Promise<void> => {
  const of = (name: string, text: (run: ComparisonView['runs'][number]) => string): Line => ({
    mark: '',
    name,
    values: runs.map(text),
  })
  const lines: readonly Line[] = [
    of('experiment', (run) => run.experiment),
    of('state', (run) => run.state),
    of('submitted', (run) => dateText(run.submittedAt)),
    of('items', (run) => groupDigits(run.items)),
    of('succeeded', (run) => groupDigits(run.itemsSucceeded)),
    of('failed', (run) => groupDigits(run.itemsFailed)),
    of('seconds', (run) => secondsText(run.seconds)),
    of('failed by', (run) => run.headline),
    ...settings.map(({ name, values, differs }) => ({
      mark: differs ? '*' : '',
      name,
      values: values.map((value) => value ?? '-'),
    })),
  ]
  return printTable(
    cli.screen,
    [
      { title: '', text: (line: Line) => line.mark },
      { title: 'RUN', text: (line: Line) => line.name },
      ...runs.map(({ id }, at) => ({ title: id, text: (line: Line) => line.values[at] ?? '' })),
    ],
    lines,
  )
}
