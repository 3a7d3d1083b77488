import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import { ok } from '#protocol/model/result.ts'

const peers = ['anna', 'ben']

/** Two processes that printed, and a machine that is away. */
export const logHandlers: Pick<ControlHandlers, 'jobLogs' | 'jobLog'> = {
  jobLogs: async ({ query }) =>
    ok({
      job: query.job,
      overview: `Job ${query.job}\nState: Running\n`,
      folder: '/home/anna/.muster/outputs/digits/logs',
      logs: peers.map((peerName, process) => ({
        peer: `peer-${process}`,
        peerName,
        process,
        startedAt: null,
        bytes: 4_096 * (process + 1),
      })),
      missing: ['dora'],
    }),
  jobLog: async ({ query }) =>
    ok({
      job: query.job,
      logs: [
        {
          peer: query.peer,
          peerName: peers[query.process ?? 0] ?? '',
          process: query.process ?? 0,
          startedAt: null,
          bytes: 4_096,
          text: Array.from({ length: 300 }, (_, line) => `mini-batch ${line} done\n`).join(''),
        },
      ],
    }),
}
