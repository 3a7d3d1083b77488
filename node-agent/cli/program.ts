import { Argument, Command, Option } from 'commander'
import { limits } from '#protocol/limits.ts'
import { outputFormats } from '#protocol/model/output.ts'
import { addRunCommands } from './run-commands.ts'
import {
  collect,
  readCount,
  readDuration,
  readMiniBatch,
  readRoles,
  readSetting,
  readTag,
} from './arguments.ts'
import { shells } from './completion.ts'
import type { Shell } from './completion.ts'
import { addDataCommands } from './data-commands.ts'
import { addPoolCommands } from './pool-commands.ts'
import type { Cli } from './cli.ts'
import { exitCodeMeanings } from './exit-codes.ts'
import type { Runs } from './runs.ts'

/** All commands with their options; also the source of help and `docs/cli.md`. */
export const createProgram = (version: string, runs: Runs): Command => {
  const program = new Command('muster')
    .description('Pools the idle computers of an office into a private batch-inference cluster.')
    .version(version, '-v, --version', 'print the version')
    .option(
      '--home <dir>',
      'folder of the agent (default: MUSTER_HOME, else the data folder of this account)',
    )
    .option('--json', 'print the answer as JSON, one document a line')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', exitCodeHelp())
  addAgentCommands(program, runs)
  addClusterCommands(program, runs)
  addModelCommands(program, runs)
  addRunCommands(program, runs)
  addDataCommands(program, runs)
  addJobCommands(program, runs)
  addPoolCommands(program, runs)
  addCareCommands(program, runs)
  return program
}

const exitCodeHelp = (): string =>
  [
    '',
    'Exit codes:',
    ...exitCodeMeanings.map(([code, meaning]) => `  ${String(code).padEnd(4)} ${meaning}`),
  ].join('\n')

const port = readCount(0, 65_535)

const addAgentCommands = (program: Command, runs: Runs): void => {
  program
    .command('agent')
    .description('run the agent of this home until it is stopped')
    .option(
      '--listen <host>',
      'address for other agents, repeatable (default: all, once paired)',
      collect,
    )
    .option('--port <n>', 'TCP port for other agents; 0: the one of last time, or any', port, 0)
    .option('--web-port <n>', 'loopback port of window and control API; 0: any free one', port, 0)
    .option(
      '--slots <n>',
      'worker processes at most (default: the owner decides)',
      readCount(0, 1_024),
    )
    .option('--name <name>', 'name of this machine (default: the host name)')
    .option('--no-mdns', 'do not look for agents by multicast')
    .option('--no-in-place', 'never read items where they lie; always stream them')
    .option('--no-scripts', 'let no entry scripts of jobs run on this machine')
    .addOption(
      new Option('--log-level <level>', 'how much goes into the log')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .action(runs(async () => (await import('./commands/agent.ts')).agent))
  program
    .command('stop')
    .description('stop the agent cleanly and wait until it is gone')
    .action(runs(async () => (await import('./commands/stop.ts')).stop))
  program
    .command('ui')
    .description('open the window in a browser')
    .option('--print', 'print the one-time address instead of opening it')
    .action(runs(async () => (await import('./commands/ui.ts')).ui))
  program
    .command('peers')
    .description('list the machines as seen from here')
    .action(runs(async () => (await import('./commands/machines.ts')).peers))
}

const settingArgument = ['<key>', 'such as slots, or share.NAME'] as const

/** Looking after one agent: what is wrong, what is set, whether its store is sound. */
const addCareCommands = (program: Command, runs: Runs): void => {
  program
    .command('doctor')
    .description('look at everything that commonly goes wrong and say what to do')
    .action(runs(async () => (await import('./commands/doctor.ts')).doctor))
  const store = program.command('store').description('look after the database of this agent')
  store
    .command('check')
    .description('check the database, all signatures, hashes and blobs')
    .action(runs(async () => (await import('./commands/store.ts')).storeCheck))
  store
    .command('rebuild')
    .description('fold all tables anew from the ledger, then check')
    .action(runs(async () => (await import('./commands/store.ts')).storeRebuild))
  const settings = program.command('settings').description('settings of this agent')
  settings
    .command('list')
    .description('list all settings and what counts now')
    .action(runs(async () => (await import('./commands/settings.ts')).settingsList))
  settings
    .command('get')
    .description('show one setting')
    .argument(...settingArgument)
    .action(runs(async () => (await import('./commands/settings.ts')).settingsGet))
  settings
    .command('set')
    .description('change one setting')
    .argument(...settingArgument)
    .argument('[value]', 'its new value')
    .option('--default', 'take it back to its default')
    .action(runs(async () => (await import('./commands/settings.ts')).settingsSet))
  program
    .command('completion')
    .description('print a script that makes a shell complete commands and options')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .action(
      runs(async () => {
        const { completion } = await import('./commands/completion.ts')
        return (cli: Cli, shell: Shell) => completion(cli, shell, program)
      }),
    )
}

const addClusterCommands = (program: Command, runs: Runs): void => {
  const cluster = program
    .command('cluster')
    .description('create a cluster, let machines in and out')
  cluster
    .command('create')
    .description('create a cluster with this machine as admin and head')
    .argument('<name>', 'name of the cluster')
    .action(runs(async () => (await import('./commands/cluster-create.ts')).clusterCreate))
  cluster
    .command('show')
    .description('show the cluster of this agent')
    .action(runs(async () => (await import('./commands/cluster-show.ts')).clusterShow))
  cluster
    .command('invite')
    .description('make an invitation that works once')
    .option(
      '--roles <roles>',
      'what the newcomer may do: work, submit, admin (default: work)',
      readRoles,
    )
    .option(
      '--expires <time>',
      'how long it works, such as 90s, 10m, 2h (default: 10m)',
      readDuration,
    )
    .action(runs(async () => (await import('./commands/cluster-invite.ts')).clusterInvite))
  cluster
    .command('join')
    .description('join a cluster with an invitation')
    .argument('<code>', 'the invitation')
    .action(runs(async () => (await import('./commands/cluster-join.ts')).clusterJoin))
  cluster
    .command('members')
    .description('list the members')
    .action(runs(async () => (await import('./commands/machines.ts')).clusterMembers))
  cluster
    .command('remove')
    .description('remove a member; it is cut off at once')
    .argument('<peer>', 'its name or PeerId')
    .action(runs(async () => (await import('./commands/cluster-remove.ts')).clusterRemove))
  cluster
    .command('add-address')
    .description('dial and remember an address given by hand')
    .argument('<address>', 'such as /ip4/192.0.2.7/tcp/7432/p2p/12D3...')
    .action(runs(async () => (await import('./commands/cluster-add-address.ts')).clusterAddAddress))
}

const addModelCommands = (program: Command, runs: Runs): void => {
  const model = program.command('model').description('register and look at models')
  model
    .command('register')
    .description('register a model file or folder; the same name gets the next version')
    .argument('<path>', 'an .onnx file, or a folder with one')
    .requiredOption('--name <name>', 'name of the model')
    .option('--description <text>', 'what it is')
    .option('--tag <key=value>', 'a tag, repeatable', readTag)
    .action(runs(async () => (await import('./commands/model-register.ts')).modelRegister))
  model
    .command('list')
    .description('list the models, newest version first')
    .action(runs(async () => (await import('./commands/model-list.ts')).modelList))
  model
    .command('show')
    .description('show one model')
    .argument('<model>', 'name, or name:version')
    .action(runs(async () => (await import('./commands/model-show.ts')).modelShow))
  model
    .command('try')
    .description(
      'run a model on the first items of a folder, a file or a table; nothing is recorded',
    )
    .argument('<model>', 'name, or name:version')
    .argument('<path>', 'folder with files, a file, or a table')
    .option('--set <field=value>', 'change what its inputs suggest, repeatable', readSetting)
    .option('--items <n>', 'how many items (default: 5)', readCount(1, limits.tryItems))
    .action(runs(async () => (await import('./commands/model-try.ts')).modelTry))
}

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

const addJobCommands = (program: Command, runs: Runs): void => {
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
