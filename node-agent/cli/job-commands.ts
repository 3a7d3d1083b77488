import { Command, Option } from 'commander'
import { limits } from '#protocol/limits.ts'
import { outputFormats } from '#protocol/model/output.ts'
import { readCount, readMiniBatch, readSetting } from './arguments.ts'
import type { Runs } from './runs.ts'

const jobArgument = ['<job>', 'id of the job, or an unambiguous start of it'] as const

const param = [
  '--param <name=value>',
  'give a parameter of the file a value, repeatable',
  readSetting,
] as const

const regenerate = [
  '--regenerate',
  'compute everything anew, take nothing over from earlier runs',
] as const

/** Commands about jobs, and about the runs that a file becomes. */
export const addJobCommands = (program: Command, runs: Runs): void => {
  const job = program.command('job').description('submit jobs, follow them, read their results')
  job
    .command('submit')
    .description('submit a job file or a pipeline file; one with a schedule is scheduled')
    .argument('<file>', 'a job file or pipeline file in YAML')
    .option('--set <key=value>', 'set a field of the job file, repeatable', readSetting)
    .option(...param)
    .option(...regenerate)
    .option('--now', 'run once now, whatever schedule the file has')
    .option('--watch', 'follow the job or pipeline run until it ends')
    .action(runs(async () => (await import('./commands/job-submit.ts')).jobSubmit))
  job
    .command('resubmit')
    .description('submit a job or pipeline run anew, with changes; only where its data is')
    .argument('<job>', 'id of the job or pipeline run, or an unambiguous start of it')
    .option('--set <key=value>', 'change a field of its job file, repeatable', readSetting)
    .option(...param)
    .option(...regenerate)
    .option('--watch', 'follow the new job or pipeline run until it ends')
    .action(runs(async () => (await import('./commands/job-resubmit.ts')).jobResubmit))
  job
    .command('retry-failed')
    .description('submit a new job of just the failed items of one that has ended')
    .argument(...jobArgument)
    .option('--watch', 'follow the new job until it ends')
    .action(runs(async () => (await import('./commands/job-retry-failed.ts')).jobRetryFailed))
  job
    .command('list')
    .description('list the jobs, newest first')
    .option('--limit <n>', 'how many', readCount(1, 1_000))
    .action(runs(async () => (await import('./commands/job-list.ts')).jobList))
  job
    .command('show')
    .description('show one job with its machines and failures')
    .argument(...jobArgument)
    .action(runs(async () => (await import('./commands/job-show.ts')).jobShow))
  job
    .command('watch')
    .description('follow a job until it ends; with --json one line for each change')
    .argument(...jobArgument)
    .action(runs(async () => (await import('./commands/job-watch.ts')).jobWatch))
  addJobChanges(job, runs)
  addJobTrial(job, runs)
  addJobReaders(job, runs)
}

const addJobChanges = (job: Command, runs: Runs): void => {
  job
    .command('cancel')
    .description('cancel a job; its committed rows stay')
    .argument(...jobArgument)
    .action(runs(async () => (await import('./commands/job-cancel.ts')).jobCancel))
  job
    .command('pause')
    .description('stop the work on a job until it is resumed; that costs no attempt')
    .argument(...jobArgument)
    .action(runs(async () => (await import('./commands/job-pause.ts')).jobPause))
  job
    .command('resume')
    .description('let a paused job go on')
    .argument(...jobArgument)
    .action(runs(async () => (await import('./commands/job-pause.ts')).jobResume))
  job
    .command('forget')
    .description('remove rows, logs and names of items of an ended job on every machine')
    .argument(...jobArgument)
    .action(runs(async () => (await import('./commands/job-forget.ts')).jobForget))
}

const addJobTrial = (job: Command, runs: Runs): void => {
  job
    .command('check')
    .description('say what is wrong with a job file, with its line; nothing is recorded')
    .argument('<file>', 'a job or pipeline file in YAML')
    .option('--set <key=value>', 'set a field of the job file, repeatable', readSetting)
    .option(...param)
    .action(runs(async () => (await import('./commands/job-check.ts')).jobCheck))
  job
    .command('try')
    .description('run the first items of a job file on this machine; nothing is recorded')
    .argument('<file>', 'a job or pipeline file in YAML')
    .option('--set <key=value>', 'set a field of the job file, repeatable', readSetting)
    .option(...param)
    .option('--step <name>', 'step of a pipeline (default: the first)')
    .option('--items <n>', 'how many items (default: 5)', readCount(1, limits.tryItems))
    .action(runs(async () => (await import('./commands/job-try.ts')).jobTry))
}

const addJobReaders = (job: Command, runs: Runs): void => {
  job
    .command('results')
    .description('print the rows of a job in plan order, or write them to a file')
    .argument(...jobArgument)
    .option(
      '--head <n>',
      `only the first rows (default: all; ${limits.tableRows} as a table, ${limits.pageRows} with --json)`,
      readCount(1, 1_000_000_000),
    )
    .addOption(
      new Option(
        '--format <format>',
        'how rows are printed (default: table, or by the name of the file)',
      ).choices(['table', ...outputFormats]),
    )
    .option('--output <file>', 'write to this file instead; without an agent too')
    .option('--overwrite', 'replace the file if it is there')
    .option('--details', 'with item, machine, attempt and failed items; csv and jsonl only')
    .addOption(new Option('--only <which>', 'leave out the others').choices(['rows', 'failures']))
    .action(runs(async () => (await import('./commands/job-results.ts')).jobResults))
  job
    .command('logs')
    .description('print the overview of a run and which logs there are, or one of them')
    .argument(...jobArgument)
    .option('--peer <peer>', 'what its worker processes printed on this machine: name or PeerId')
    .option('--process <n>', 'with --peer: only this process', readCount(0, 1_024))
    .option('--tail <n>', 'with --peer: only the last lines', readCount(1, 1_000_000_000))
    .option('--mini-batches', 'print the processed mini-batches as CSV instead')
    .action(runs(async () => (await import('./commands/job-logs.ts')).jobLogs))
  job
    .command('explain')
    .description('say why a job, or one of its mini-batches, is where it is')
    .argument(...jobArgument)
    .option('--mini-batch <n>', 'number of the mini-batch, or name of a half', readMiniBatch)
    .action(runs(async () => (await import('./commands/job-explain.ts')).jobExplain))
}
