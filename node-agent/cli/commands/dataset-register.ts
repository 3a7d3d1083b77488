import { resolve } from 'node:path'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'

interface Options {
  readonly path: string
  readonly share?: string
  readonly datastore?: string
  readonly pattern?: readonly string[]
  readonly table?: boolean
  readonly option?: Record<string, string | number | boolean>
  readonly validate?: boolean
  readonly description?: string
  readonly tag?: Record<string, string>
}

export const datasetRegister = async (
  cli: Cli,
  name: string,
  options: Options,
): Promise<ExitCode> => {
  const { path, share, datastore, pattern, table, option, validate, description, tag } = options
  const isOwnPath = share === undefined && datastore === undefined
  const answer = await cli.call('registerDataset', {
    body: {
      name,
      path: isOwnPath ? resolve(path) : path,
      ...(share === undefined ? {} : { share }),
      ...(datastore === undefined ? {} : { datastore }),
      ...(table === true ? { type: 'table' as const } : {}),
      ...(pattern === undefined ? {} : { patterns: [...pattern] }),
      ...(option === undefined ? {} : { options: option }),
      ...(validate === undefined ? {} : { validate }),
      ...(description === undefined ? {} : { description }),
      ...(tag === undefined ? {} : { tags: tag }),
    },
  })
  if (cli.json) await cli.printJson(answer)
  else
    await cli.screen.line(
      `Registered ${safe(answer.name)}:${answer.version} (${answer.type === 'table' ? 'tables' : 'files'} ${safe(answer.patterns.join(' '))}).`,
    )
  return exitCodes.done
}
