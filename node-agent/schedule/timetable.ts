import { Cron } from 'croner'
import type { Timetable } from '#agent/ports/schedule.ts'

/** Cron expressions of five or six fields, by the clock of a time zone. */
export const createTimetable = (): Timetable => ({
  problem: (expression, timezone) => {
    try {
      const cron = open(expression, timezone)
      if (cron.nextRun() === null)
        return `The schedule "${expression}" is never due: correct its day or month.`
    } catch (thrown) {
      const detail = thrown instanceof Error ? thrown.message : ''
      const isZone = timezone !== undefined && /time ?zone/i.test(detail)
      return isZone
        ? `"${timezone}" is no time zone known here: write one such as Europe/Vienna.`
        : `"${expression}" is no cron expression (${detail.replace(/^CronPattern: /, '').replace(/\.$/, '')}): write five or six fields, such as "0 6 * * 1-5".`
    }
    return undefined
  },
  next: (expression, timezone, after) =>
    open(expression, timezone).nextRun(new Date(after))?.getTime(),
})

/** Croner takes more forms than people can be told of in a sentence; those of times of day are enough. */
const open = (expression: string, timezone: string | undefined): Cron =>
  new Cron(expression.trim(), {
    paused: true,
    ...(timezone === undefined ? {} : { timezone }),
  })
