import type { ScheduleView } from '#protocol/control/pipeline-views.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'
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
        { title: 'NEXT', text: nextText },
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

const nextText = ({ pausedAt, nextAt }: ScheduleView): string =>
  pausedAt === null ? dateText(nextAt) : 'paused'

const missedText = ({ missedAt, missed }: ScheduleView): string =>
  missedAt === null ? '' : `${dateText(missedAt)}: ${missed}`

export const schedulePause = (cli: Cli, schedule: string): Promise<ExitCode> =>
  change(cli, 'pauseSchedule', schedule, 'is paused; runs that have begun go on')

export const scheduleResume = (cli: Cli, schedule: string): Promise<ExitCode> =>
  change(cli, 'resumeSchedule', schedule, 'goes on')

const change = async (
  cli: Cli,
  call: 'pauseSchedule' | 'resumeSchedule',
  schedule: string,
  words: string,
): Promise<ExitCode> => {
  const answer = await cli.call(call, { query: { schedule } })
  if (cli.json) await cli.printJson(answer)
  else await cli.screen.line(`The schedule of ${safe(answer.name)} ${words}.`)
  return exitCodes.done
}

export const scheduleRemove = async (cli: Cli, schedule: string): Promise<ExitCode> => {
  const answer = await cli.call('removeSchedule', { query: { schedule } })
  if (cli.json) await cli.printJson(answer)
  else await cli.screen.line('The schedule has ended; runs that have begun go on.')
  return exitCodes.done
}
