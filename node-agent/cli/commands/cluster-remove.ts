import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'

export const clusterRemove = async (cli: Cli, peer: string): Promise<ExitCode> => {
  const answer = await cli.call('removeMember', { query: { peer } })
  if (cli.json) await cli.printJson(answer)
  else await cli.screen.line(`${safe(peer)} is no longer a member.`)
  return exitCodes.done
}
