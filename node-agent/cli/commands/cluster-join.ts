import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'

export const clusterJoin = async (cli: Cli, code: string): Promise<ExitCode> => {
  const answer = await cli.call('join', { body: { code: code.trim() } })
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  const { screen } = cli
  await screen.line(
    `This machine has joined ${safe(answer.name)} and may ${answer.roles.join(', ')}.`,
  )
  await screen.line(
    `Words, which the inviting machine shows too: ${screen.style('bold', safe(answer.words))}`,
  )
  return exitCodes.done
}
