import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { printFields } from '../table.ts'
import { dateText, tagsText } from '../text.ts'

export const datastoreShow = async (cli: Cli, datastore: string): Promise<ExitCode> => {
  const answer = await cli.call('datastore', { query: { datastore } })
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  await printFields(cli.screen, [
    ['Datastore', answer.name],
    ['Version', String(answer.version)],
    ['Description', answer.description],
    ['Tags', tagsText(answer.tags)],
    ['Share', answer.share],
    ['Machine', answer.peerName],
    ['Path', answer.path || '.'],
    [
      'Registered',
      answer.isDefault ? '' : `${dateText(answer.registeredAt)} by ${answer.registeredByName}`,
    ],
  ])
  return exitCodes.done
}
