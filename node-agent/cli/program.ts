import { Command } from 'commander'
import { limits } from '#protocol/limits.ts'
import { addRunCommands } from './run-commands.ts'
import { readCount, readSetting, readTag } from './arguments.ts'
import { addDataCommands } from './data-commands.ts'
import { addPoolCommands } from './pool-commands.ts'
import { exitCodeMeanings } from './exit-codes.ts'
import type { Runs } from './runs.ts'
import { addJobCommands } from './job-commands.ts'
import { addAgentCommands, addCareCommands, addClusterCommands } from './machine-commands.ts'

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
