import type { Command, CommanderError } from 'commander'
import { musterError } from '#protocol/errors.ts'
import type { Cli } from './cli.ts'
import { exitCodes } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { printError } from './print-error.ts'

/** What commander finds wrong with a command line, in one sentence. */
export interface Usage {
  readonly end: (
    thrown: CommanderError,
    args: readonly string[],
    cli: Pick<Cli, 'json' | 'screen'>,
  ) => ExitCode
}

/** Commander's own words come as an exception, so that all errors leave by the same door. */
export const quietUsage = (program: Command): Usage => {
  let failed = program
  let help = ''
  const quiet = (command: Command): void => {
    command
      .configureOutput({ outputError: () => {}, writeErr: (text) => (help += text) })
      .exitOverride((thrown) => {
        failed = command
        throw thrown
      })
    for (const each of command.commands) quiet(each)
  }
  quiet(program)

  return {
    end: (thrown, args, cli) => {
      if (thrown.exitCode === 0) return exitCodes.done
      const { words, command } =
        thrown.code === 'commander.help'
          ? wordsOf(program, args)
          : { words: sentenceOf(thrown), command: failed }
      // A command that only has others below it: all of them say more than a sentence.
      if (words === undefined && !cli.json) cli.screen.note(help.trimEnd())
      else
        printError(
          cli,
          musterError(
            'RequestInvalid',
            `${words ?? `One of its commands must follow \`${pathOf(command)}\``}; \`${pathOf(command)} --help\` shows what there is.`,
          ),
        )
      return exitCodes.usage
    },
  }
}

const sentenceOf = ({ message }: CommanderError): string => {
  const words = message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*)\)$/, ' (did you mean $1)')
    .replace('. ', ': ')
    .replace(/\.$/, '')
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}

/** The deepest command that was named, and what is wrong if help was asked for one that there is not. */
const wordsOf = (
  program: Command,
  args: readonly string[],
): { readonly words: string | undefined; readonly command: Command } => {
  let command = program
  const names = args.filter((word, at) => !word.startsWith('-') && args[at - 1] !== '--home')
  for (const name of names) {
    if (name === 'help') continue
    const next = command.commands.find((one) => one.name() === name)
    if (next === undefined) return { words: `Unknown command '${name}'`, command }
    command = next
  }
  return { words: undefined, command }
}

const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
