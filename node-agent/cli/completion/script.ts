import type { Command } from 'commander'
import { bashScript } from './bash.ts'
import { fishScript } from './fish.ts'
import { placesOf } from './places.ts'
import { zshScript } from './zsh.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript }

/**
 * The script that makes a shell complete `muster`: commands and options are in it, from the commands themselves; ids and
 * names are asked for by `muster names` when Tab is pressed.
 */
export const completionScript = (program: Command, shell: Shell): string =>
  scripts[shell](placesOf(program, '', program.options))
