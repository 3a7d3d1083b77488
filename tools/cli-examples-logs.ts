import type { CliExample } from './cli-example.ts'

/** Examples of commands about logs. */
export const logExamples = (job: string): readonly CliExample[] => [
  {
    command: 'job logs',
    line: `muster job logs ${job}`,
    schema: 'JobLogs',
    answer: {
      job,
      overview: `Job           digits (${job})\nState         Completed\n`,
      folder: `/home/anna/.local/share/muster/outputs/${job}/logs`,
      logs: [
        {
          peer: '12D3KooWBen',
          peerName: 'ben',
          process: 0,
          startedAt: 1_753_000_000_000,
          bytes: 812,
        },
      ],
      missing: [],
    },
  },
  {
    command: 'job logs',
    line: `muster job logs ${job} --peer ben --process 0 --tail 1`,
    schema: 'JobLog',
    answer: {
      job,
      logs: [
        {
          peer: '12D3KooWBen',
          peerName: 'ben',
          process: 0,
          startedAt: 1_753_000_000_000,
          bytes: 812,
          text: '2025-07-20T08:26:40.000Z INFO ready with mnist as worker 0',
        },
      ],
    },
  },
  {
    command: 'job logs',
    line: `muster job logs ${job} --mini-batches`,
    schema: 'ProcessedMiniBatch',
    answer: {
      miniBatch: 0,
      peer: '12D3KooWBen',
      peerName: 'ben',
      process: 0,
      attempt: 1,
      startedAt: 1_753_000_000_000,
      items: 10,
      succeeded: 9,
      failed: 1,
      seconds: 0.031,
      status: 'succeeded',
      message: 'zz-broken.png is not an image that can be read.',
    },
  },
]
