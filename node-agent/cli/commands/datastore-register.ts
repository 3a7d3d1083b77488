import { resolve } from 'node:path'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'

interface Options {
  readonly path: string
  readonly share?: string
  readonly overwrite?: boolean
  readonly description?: string
  readonly tag?: Record<string, string>
}

export const datastoreRegister = async (
  cli: Cli,
  name: string,
  options: Options,
): Promise<ExitCode> => {
  const { path, share, overwrite, description, tag } = options
  const answer = await cli.call('registerDatastore', {
    body: {
      name,
      // A place below a share is the same on every machine; a folder is this one's.
      path: share === undefined ? resolve(path) : path,
      ...(share === undefined ? {} : { share }),
      ...(overwrite === undefined ? {} : { overwrite }),
      ...(description === undefined ? {} : { description }),
      ...(tag === undefined ? {} : { tags: tag }),
    },
  })
  if (cli.json) await cli.printJson(answer)
  else {
    const where = answer.kind === 'share' ? `share ${answer.share}` : answer.peerName
    await cli.screen.line(`${safe(answer.name)} is ${safe(answer.path || '.')} (${safe(where)}).`)
  }
  return exitCodes.done
}
