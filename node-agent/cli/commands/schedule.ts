import type { ScheduleView } from '#protocol/control/pipeline-views.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { printTable } from '../table.ts'
import { dateText } from '../text.ts'

export const scheduleList = async (cli: Cli): Promise<ExitCode> => {
  const answer = await cli.call('schedules')
  if (cli.json) await cli.printJson(answer)
  else if (answer.schedules.length === 0)
    await cli.screen.line('No schedules; submit a file with a schedule to set one.')
  else
    await printTable(
      cli.screen,
      [
        { title: 'SCHEDULE', text: (one) => one.name },
        { title: 'WHEN', text: whenText },
        { title: 'NEXT', text: (one) => dateText(one.nextAt) },
        { title: 'LAST RUN', text: (one) => one.lastRun ?? '' },
        { title: 'BY', text: (one) => one.submitterName },
        { title: 'MISSED', text: missedText },
        { title: 'PROBLEM', text: (one) => one.problem },
      ],
      answer.schedules,
    )
  return exitCodes.done
}

const whenText = ({ kind, when, timezone }: ScheduleView): string => {
  if (kind === 'folder') return `when ${when} changes`
  return timezone === '' ? when : `${when} ${timezone}`
}

const missedText = ({ missedAt, missed }: ScheduleView): string =>
  missedAt === null ? '' : `${dateText(missedAt)}: ${missed}`

export const scheduleRemove = async (cli: Cli, schedule: string): Promise<ExitCode> => {
  const answer = await cli.call('removeSchedule', { query: { schedule } })
  if (cli.json) await cli.printJson(answer)
  else await cli.screen.line('The schedule has ended; runs that have begun go on.')
  return exitCodes.done
}
