import type { Command } from 'commander'
import { readCount } from './arguments.ts'
import type { Runs } from './runs.ts'

/** Commands about pipeline runs, experiments and schedules. */
export const addRunCommands = (program: Command, runs: Runs): void => {
  addPipelineCommands(program, runs)
  const experiment = program
    .command('experiment')
    .description('names under which pipeline runs are kept and compared')
  experiment
    .command('list')
    .description('list the experiments, the last used first')
    .action(runs(async () => (await import('./commands/experiment.ts')).experimentList))
  experiment
    .command('show')
    .description('list the runs of an experiment, newest first')
    .argument('<experiment>', 'its name')
    .option('--limit <n>', 'how many runs', readCount(1, 1_000))
    .action(runs(async () => (await import('./commands/experiment.ts')).experimentShow))
  experiment
    .command('compare')
    .description('set runs side by side: settings with differing ones marked, counts, seconds')
    .argument('<names...>', 'names of experiments and ids of runs')
    .option('--limit <n>', 'how many runs of each experiment', readCount(1, 50))
    .action(runs(async () => (await import('./commands/experiment.ts')).experimentCompare))
  const schedule = program
    .command('schedule')
    .description('runs that are started again and again; submit a file with a schedule to set one')
  schedule
    .command('list')
    .description('list the schedules, when each is due next, and what was missed')
    .action(runs(async () => (await import('./commands/schedule.ts')).scheduleList))
  schedule
    .command('pause')
    .description('start no runs by a schedule until it is resumed; runs that have begun go on')
    .argument(...scheduleArgument)
    .action(runs(async () => (await import('./commands/schedule.ts')).schedulePause))
  schedule
    .command('resume')
    .description('let a paused schedule go on; times that went by are not made up for')
    .argument(...scheduleArgument)
    .action(runs(async () => (await import('./commands/schedule.ts')).scheduleResume))
  schedule
    .command('remove')
    .description('end a schedule; runs that have begun go on')
    .argument(...scheduleArgument)
    .action(runs(async () => (await import('./commands/schedule.ts')).scheduleRemove))
}

const scheduleArgument = ['<schedule>', 'its name or id'] as const

const pipelineArgument = [
  '<pipeline>',
  'id of the pipeline run or of one of its jobs, or an unambiguous start of it',
] as const

const addPipelineCommands = (program: Command, runs: Runs): void => {
  const pipeline = program
    .command('pipeline')
    .description('look at pipeline runs; `muster job submit` starts them')
  pipeline
    .command('list')
    .description('list the pipeline runs, newest first')
    .option('--limit <n>', 'how many', readCount(1, 1_000))
    .option('--experiment <name>', 'only runs of this experiment')
    .action(runs(async () => (await import('./commands/pipeline.ts')).pipelineList))
  pipeline
    .command('show')
    .description('show one pipeline run with its steps')
    .argument(...pipelineArgument)
    .action(runs(async () => (await import('./commands/pipeline.ts')).pipelineShow))
  pipeline
    .command('watch')
    .description('follow a pipeline run until it ends; with --json one line for each change')
    .argument(...pipelineArgument)
    .action(runs(async () => (await import('./commands/pipeline.ts')).pipelineWatch))
  pipeline
    .command('cancel')
    .description('cancel a pipeline run with all its jobs; committed rows stay')
    .argument(...pipelineArgument)
    .action(runs(async () => (await import('./commands/pipeline.ts')).pipelineCancel))
  pipeline
    .command('pause')
    .description('pause a pipeline run: its jobs stop without cost, and no further step starts')
    .argument(...pipelineArgument)
    .action(runs(async () => (await import('./commands/pipeline.ts')).pipelinePause))
  pipeline
    .command('resume')
    .description('let a paused pipeline run go on, with all of its paused jobs')
    .argument(...pipelineArgument)
    .action(runs(async () => (await import('./commands/pipeline.ts')).pipelineResume))
}
