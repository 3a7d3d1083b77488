import type { DatasetView } from '#protocol/control/registry-views.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { printTable } from '../table.ts'
import { dateText } from '../text.ts'

export const datasetList = async (cli: Cli): Promise<ExitCode> => {
  const answer = await cli.call('datasets')
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  if (answer.datasets.length === 0) {
    await cli.screen.line(
      'No datasets yet; register one with `muster dataset register NAME --path FOLDER`.',
    )
    return exitCodes.done
  }
  await printTable(
    cli.screen,
    [
      { title: 'DATASET', text: (one) => `${one.name}:${one.version}` },
      { title: 'TYPE', text: (one) => one.type },
      { title: 'IN', text: whereText },
      { title: 'FILES', text: (one) => one.patterns.join(' ') },
      { title: 'REGISTERED', text: (one) => dateText(one.registeredAt) },
      { title: 'DESCRIPTION', text: (one) => one.description },
    ],
    answer.datasets,
  )
  return exitCodes.done
}

/** Where a dataset lies, in a few words. */
export const whereText = ({ datastore, share, peerName, path }: DatasetView): string => {
  if (datastore !== '') return `datastore ${datastore}: ${path || '.'}`
  return share === '' ? `${peerName}: ${path}` : `share ${share}: ${path || '.'}`
}
