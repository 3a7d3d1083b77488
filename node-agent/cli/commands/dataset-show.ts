import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { printFields } from '../table.ts'
import { dateText, tagsText } from '../text.ts'
import { whereText } from './dataset-list.ts'

export const datasetShow = async (cli: Cli, dataset: string): Promise<ExitCode> => {
  const answer = await cli.call('dataset', { query: { dataset } })
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  await printFields(cli.screen, [
    ['Dataset', `${answer.name}:${answer.version}`],
    ['Type', answer.type],
    ['Description', answer.description],
    ['Tags', tagsText(answer.tags)],
    ['In', whereText(answer)],
    ['Files', answer.patterns.join(' ')],
    ...Object.entries(answer.options).map(([name, value]) => [name, String(value)] as const),
    ['Registered', `${dateText(answer.registeredAt)} by ${answer.registeredByName}`],
  ])
  return exitCodes.done
}
