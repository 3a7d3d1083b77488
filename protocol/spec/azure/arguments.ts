import { splitArguments } from '../split-arguments.ts'
import { cutExpressions } from './expressions.ts'
import { azureFlags } from './fields.ts'
import { wrong } from './file.ts'
import type { AzureFile, AzurePath } from './file.ts'

/** What `program_arguments` says: words for the script, and settings of the runtime. */
export interface ProgramArguments {
  readonly words: readonly string[]
  /** Fields of a job file. */
  readonly settings: Readonly<Record<string, string>>
}

/**
 * Splits the text as a shell does and takes the runtime's own flags out. Expressions are replaced after the
 * splitting, so that a value with spaces stays one word.
 * @param valueOf what an expression stands for
 */
export const readArguments = (
  file: AzureFile,
  at: AzurePath,
  text: string,
  valueOf: (written: string) => string,
): ProgramArguments => {
  const expressions: string[] = []
  const marked = cutExpressions(text)
    .map((part) => (typeof part === 'string' ? part : mark(expressions.push(part.written) - 1)))
    .join('')
  const split = splitArguments(marked)
  if (split === undefined) {
    wrong(file, at, 'has a quotation mark that is not closed')
    return { words: [], settings: {} }
  }
  const words = split.map((word) =>
    word.replaceAll(markForm, (_, index: string) => valueOf(expressions[Number(index)] ?? '')),
  )
  return takeFlags(file, at, words)
}

// Letters of a private use area: no person writes them, and no rule of splitting knows them.
const mark = (index: number): string => `\u{f0000}${index}\u{f0001}`
const markForm = /\u{f0000}(\d+)\u{f0001}/gu

const fieldOf: Readonly<Record<string, string>> = {
  append_row_dataframe_header: 'append_row_header',
}

/** Letters from which on a beginning is taken for the flag of the runtime, as Azure does, and for none of a script. */
const shortest = 12

const flagOf = (name: string): string | undefined => {
  if (Object.hasOwn(azureFlags, name)) return name
  const [flag, other] = Object.keys(azureFlags).filter((one) => one.startsWith(name))
  return name.length < shortest || other !== undefined ? undefined : flag
}

const takeFlags = (file: AzureFile, at: AzurePath, words: readonly string[]): ProgramArguments => {
  const kept: string[] = []
  const settings: Record<string, string> = {}
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? ''
    const [, name = '', joined] = /^--([a-z_]+)(?:=(.*))?$/s.exec(word) ?? []
    const flag = flagOf(name)
    const fate = flag === undefined ? undefined : azureFlags[flag]
    if (flag === undefined || fate === undefined) {
      kept.push(word)
      continue
    }
    const next = words[i + 1]
    const value = joined ?? (next === undefined || next.startsWith('--') ? undefined : next)
    if (joined === undefined && value !== undefined) i += 1
    if (fate.kind === 'warned')
      file.warnings.push({ path: at, words: `has --${name}, which has no effect: ${fate.why}` })
    else if (fate.kind === 'refused')
      wrong(file, at, `has --${name}, which cannot be used: ${fate.instead}`)
    else if (value === undefined) wrong(file, at, `has --${name} without a value`)
    else {
      settings[fieldOf[flag] ?? flag] = value.toLowerCase()
      if (name !== flag)
        file.warnings.push({ path: at, words: `has --${name}, which is read as --${flag}` })
    }
  }
  return { words: kept, settings }
}
