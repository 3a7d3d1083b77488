import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'

export const datastoreRemove = async (cli: Cli, datastore: string): Promise<ExitCode> => {
  const answer = await cli.call('removeDatastore', { query: { datastore } })
  if (cli.json) await cli.printJson(answer)
  else await cli.screen.line(`${safe(datastore)} is no longer a datastore; its files stay.`)
  return exitCodes.done
}
