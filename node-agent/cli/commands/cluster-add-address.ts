import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'

export const clusterAddAddress = async (cli: Cli, address: string): Promise<ExitCode> => {
  const answer = await cli.call('addAddress', { body: { address } })
  if (cli.json) await cli.printJson(answer)
  else await cli.screen.line(`${safe(address)} answers and is remembered.`)
  return exitCodes.done
}
