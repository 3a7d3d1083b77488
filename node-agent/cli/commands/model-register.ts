import { resolve } from 'node:path'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'
import { bytesText } from '../text.ts'

interface Options {
  readonly name: string
  readonly description?: string
  readonly tag?: Record<string, string>
}

export const modelRegister = async (
  cli: Cli,
  path: string,
  options: Options,
): Promise<ExitCode> => {
  const { name, description, tag } = options
  const answer = await cli.call('registerModel', {
    body: {
      path: resolve(path),
      name,
      ...(description === undefined ? {} : { description }),
      ...(tag === undefined ? {} : { tags: tag }),
    },
  })
  if (cli.json) await cli.printJson(answer)
  else {
    await cli.screen.line(
      `Registered ${safe(answer.name)}:${answer.version} (${bytesText(answer.bytes)}, opset ${answer.opset}).`,
    )
  }
  return exitCodes.done
}
