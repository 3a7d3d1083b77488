import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { printFields } from '../table.ts'

export const clusterShow = async (cli: Cli): Promise<ExitCode> => {
  const answer = await cli.call('cluster')
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  await printFields(cli.screen, [
    ['Name', answer.name],
    ['Id', answer.id],
    ['Roles here', answer.roles.join(', ')],
    ['Head', answer.head === null ? 'none is known' : answer.headName],
    ['Term', String(answer.term)],
  ])
  return exitCodes.done
}
