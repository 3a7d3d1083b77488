import type { BodyOf } from '#protocol/control/api.ts'
import type { RoleName } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'
import { printFields } from '../table.ts'
import { dateText } from '../text.ts'

export const clusterInvite = async (
  cli: Cli,
  options: { readonly roles?: RoleName[]; readonly expires?: number },
): Promise<ExitCode> => {
  const body: BodyOf<'invite'> = {
    ...(options.roles === undefined ? {} : { roles: options.roles }),
    ...(options.expires === undefined ? {} : { expiresInSeconds: options.expires }),
  }
  const answer = await cli.call('invite', { body })
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  await printFields(cli.screen, [
    ['Words', answer.words],
    ['Roles', answer.roles.join(', ')],
    ['Works until', dateText(answer.expiresAt)],
  ])
  await cli.screen.line('')
  await cli.screen.line('On the other machine, where the same words must appear:')
  await cli.screen.line(`  muster cluster join ${safe(answer.code)}`)
  return exitCodes.done
}
