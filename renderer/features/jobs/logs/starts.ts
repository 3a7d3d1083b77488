import { formatClock } from '../../../ui/format.ts'

/** The log of a worker process, of one of its starts: one that died is started again under the same number. */
interface Start {
  readonly peer: string
  readonly peerName: string
  readonly process: number
  readonly startedAt: number | null
  readonly bytes: number
}

/** All logs of a worker process together. */
export type ProcessLogs = Omit<Start, 'startedAt'>

/** Each process once, in the order of its first start. */
export const byProcess = (logs: readonly Start[]): readonly ProcessLogs[] =>
  [...Map.groupBy(logs, ({ peer, process }) => `${process} ${peer}`).values()].flatMap((starts) => {
    const [first] = starts
    if (first === undefined) return []
    const { peer, peerName, process } = first
    const bytes = starts.reduce((sum, start) => sum + start.bytes, 0)
    return { peer, peerName, process, bytes }
  })

/** What a process printed: where it was started more than once, each time under a line that says so. */
export const textOf = (
  logs: readonly { readonly startedAt: number | null; readonly text: string }[],
): string =>
  logs.length < 2
    ? logs.map(({ text }) => text).join('')
    : logs
        .map(({ startedAt, text }) => {
          const at = startedAt === null ? '' : ` ${formatClock(startedAt)}`
          return `--- started${at} ---\n${text}${text === '' || text.endsWith('\n') ? '' : '\n'}`
        })
        .join('')
