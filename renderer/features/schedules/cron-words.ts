const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/**
 * The commonest cron expressions in words, such as `every day at 06:00`; undefined for others, which are
 * shown as they are.
 */
export const cronWords = (expression: string): string | undefined => {
  const fields = expression.trim().split(/\s+/)
  const [minute = '', hour = '', day = '', month = '', weekday = ''] =
    fields.length === 6 ? fields.slice(1) : fields
  if ((fields.length !== 5 && fields.length !== 6) || month !== '*') return undefined
  if (fields.length === 6 && !/^0+$/.test(fields[0] ?? '')) return undefined
  const clock = clockWords(minute, hour)
  if (clock === undefined) return undefined
  if (day === '*' && weekday === '*')
    return clock.startsWith('every') ? clock : `every day ${clock}`
  if (day === '*') {
    const named = weekdayWords(weekday)
    return named === undefined ? undefined : `${named} ${clock}`
  }
  return weekday === '*' && isNumber(day, 31)
    ? `on day ${Number(day)} of the month ${clock}`
    : undefined
}

/** `at 06:00`, `every 15 minutes`, `every hour at minute 5`. */
const clockWords = (minute: string, hour: string): string | undefined => {
  const every = /^\*\/(\d+)$/
  const minutes = every.exec(minute)?.[1]
  if (hour === '*') {
    if (minute === '*') return 'every minute'
    if (minutes !== undefined) return `every ${Number(minutes)} minutes`
    if (!isNumber(minute, 59)) return undefined
    return Number(minute) === 0 ? 'every hour' : `every hour at minute ${Number(minute)}`
  }
  if (!isNumber(minute, 59)) return undefined
  const hours = every.exec(hour)?.[1]
  if (hours !== undefined && Number(minute) === 0) return `every ${Number(hours)} hours`
  const times = hour.split(',')
  if (!times.every((each) => isNumber(each, 23))) return undefined
  const told = times.map((each) => `${each.padStart(2, '0')}:${minute.padStart(2, '0')}`)
  return `at ${told.join(told.length === 2 ? ' and ' : ', ')}`
}

const weekdayWords = (weekday: string): string | undefined => {
  const range = /^(\w+)-(\w+)$/.exec(weekday)
  if (range !== null) {
    const [from, to] = [dayName(range[1] ?? ''), dayName(range[2] ?? '')]
    return from === undefined || to === undefined ? undefined : `${from} to ${to}`
  }
  const names = weekday.split(',').map(dayName)
  return names.every((name) => name !== undefined) ? names.join(', ') : undefined
}

/** Cron counts Sunday as 0 and as 7, and knows the first three letters. */
const dayName = (word: string): string | undefined =>
  /^[0-7]$/.test(word)
    ? days[Number(word) % 7]
    : days.find((name) => name.slice(0, 3).toLowerCase() === word.toLowerCase())

const isNumber = (text: string, most: number): boolean =>
  /^\d{1,2}$/.test(text) && Number(text) <= most
