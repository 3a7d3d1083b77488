import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { printTable } from '../table.ts'

export const datastoreList = async (cli: Cli): Promise<ExitCode> => {
  const answer = await cli.call('datastores')
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  await printTable(
    cli.screen,
    [
      { title: 'DATASTORE', text: (one) => one.name },
      { title: 'KIND', text: (one) => one.kind },
      { title: 'ON', text: (one) => (one.kind === 'share' ? one.share : one.peerName) },
      { title: 'PATH', text: (one) => one.path || '.' },
      { title: 'DESCRIPTION', text: (one) => one.description },
    ],
    answer.datastores,
  )
  return exitCodes.done
}
