import { Argument, Command, Option } from 'commander'
import { collect, readCount, readDuration, readRoles } from './arguments.ts'
import { nameKinds } from './completion/places.ts'
import { shells } from './completion/script.ts'
import type { Shell } from './completion/script.ts'
import type { Cli } from './cli.ts'
import type { Runs } from './runs.ts'

const port = readCount(0, 65_535)

/** Commands about the agent of this home. */
export const addAgentCommands = (program: Command, runs: Runs): void => {
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
export const addCareCommands = (program: Command, runs: Runs): void => {
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
    .command('names')
    .description('print ids or names with what they are, as completion in a shell asks for them')
    .addArgument(new Argument('<kind>', 'of what').choices(nameKinds))
    .action(runs(async () => (await import('./commands/names.ts')).names))
  program
    .command('completion')
    .description('print a script that makes a shell complete commands, options and names')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .action(
      runs(async () => {
        const { completion } = await import('./commands/completion.ts')
        return (cli: Cli, shell: Shell) => completion(cli, shell, program)
      }),
    )
}

/** Commands about who belongs to the cluster. */
export const addClusterCommands = (program: Command, runs: Runs): void => {
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
