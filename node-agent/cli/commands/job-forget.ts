import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'
import { countText } from '../text.ts'

export const jobForget = async (cli: Cli, job: string): Promise<ExitCode> => {
  const answer = await cli.call('forgetJob', { query: { job } })
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  await cli.screen.line(
    `The job ${safe(answer.name)} (${answer.id}) is forgotten: its rows, logs and collected files and the names of its items go from every machine, from those that are away when they come back.`,
  )
  if (answer.left !== '')
    await cli.screen.line(
      `Files in ${safe(answer.left)} stay, since the job file named that place: delete them there if they must go too.`,
    )
  const { sharedWith } = answer
  if (sharedWith.length > 0)
    await cli.screen.line(
      `Rows of it stay in ${countText(sharedWith.length, 'other job')}, since one took them over from the other. To have them forgotten too:`,
    )
  for (const { id, name } of sharedWith)
    await cli.screen.line(`  muster job forget ${id}    # ${safe(name)}`)
  await cli.screen.line('Files that were exported stay where they were written.')
  return exitCodes.done
}
