import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import { ok } from '#protocol/model/result.ts'

const peers = ['anna', 'ben']
/** The process on ben died once. */
const starts = [0, 1, 1]
const startedAt = Date.UTC(2026, 10, 5, 9, 30)

/** Two processes that printed, and a machine that is away. */
export const logHandlers: Pick<ControlHandlers, 'jobLogs' | 'jobLog'> = {
  jobLogs: async ({ query }) =>
    ok({
      job: query.job,
      overview: `Job ${query.job}\nState: Running\n`,
      folder: '/home/anna/.muster/outputs/digits/logs',
      logs: starts.map((process, start) => ({
        peer: `peer-${process}`,
        peerName: peers[process] ?? '',
        process,
        startedAt: startedAt + start * 60_000,
        bytes: 4_096 * (process + 1),
      })),
      missing: ['dora'],
    }),
  jobLog: async ({ query }) =>
    ok({
      job: query.job,
      logs: starts.flatMap((process, start) =>
        process !== (query.process ?? 0)
          ? []
          : {
              peer: query.peer,
              peerName: peers[process] ?? '',
              process,
              startedAt: startedAt + start * 60_000,
              bytes: 4_096,
              text: Array.from({ length: 300 }, (_, line) => `mini-batch ${line} done\n`).join(''),
            },
      ),
    }),
}
