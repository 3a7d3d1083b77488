import type { Command } from 'commander'
import { limits } from '#protocol/limits.ts'
import { collect, readCount, readSize } from './arguments.ts'
import type { Runs } from './runs.ts'

/** `muster pool ...` */
export const addPoolCommands = (program: Command, runs: Runs): void => {
  const pool = program.command('pool').description('named subsets of the machines for jobs')
  const name = ['<name>', 'name of the pool'] as const
  pool
    .command('create')
    .description('make a pool; a machine belongs to it that has all that is asked for')
    .argument(...name)
    .option('--min <n>', 'jobs wait for as many machines', readCount(0, limits.members))
    .option('--max <n>', 'machines that work at once', readCount(1, limits.members))
    .option('--machine <name>', 'one of these machines, repeatable', collect)
    .option('--tag <word>', 'machines with this tag, repeatable', collect)
    .option('--gpu', 'machines with a device other than the CPU')
    .option('--memory <size>', 'machines with at least this much memory', readSize)
    .option('--description <text>', 'for people')
    .option('--overwrite', 'change the pool of that name')
    .action(runs(async () => (await import('./commands/pool.ts')).poolCreate))
  pool
    .command('list')
    .description('list the pools and how many of their machines can work')
    .action(runs(async () => (await import('./commands/pool.ts')).poolList))
  pool
    .command('show')
    .description('show one pool, and why it has fewer machines than it could')
    .argument(...name)
    .action(runs(async () => (await import('./commands/pool.ts')).poolShow))
  pool
    .command('remove')
    .description('remove a pool; jobs that name it wait until there is one of that name again')
    .argument(...name)
    .action(runs(async () => (await import('./commands/pool.ts')).poolRemove))
}
