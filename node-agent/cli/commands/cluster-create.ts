import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'

export const clusterCreate = async (cli: Cli, name: string): Promise<ExitCode> => {
  const answer = await cli.call('createCluster', { body: { name } })
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  const { screen } = cli
  await screen.line(`The cluster ${safe(answer.name)} is made; this machine is its admin and head.`)
  await screen.line(
    `Recovery code, shown only now: ${screen.style('bold', safe(answer.recoveryCode))}`,
  )
  await screen.line(
    'Keep it somewhere safe, and let the next machine in with `muster cluster invite`.',
  )
  return exitCodes.done
}
