import { groupDigits, headlineTitle, progressLine } from '#protocol/control/progress-line.ts'
import type { JobDetailView } from '#protocol/control/job-views.ts'
import { miniBatchName } from '#protocol/model/half.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { printFields, printTable } from '../table.ts'
import { countText, dateText, filesText, percentText } from '../text.ts'

export const jobShow = async (cli: Cli, job: string): Promise<ExitCode> => {
  const answer = await cli.call('job', { query: { job } })
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  await printFields(cli.screen, fieldsOf(answer))
  if (answer.peers.length > 0) {
    await cli.screen.line('')
    await printTable(
      cli.screen,
      [
        { title: 'MACHINE', text: (peer) => peer.name },
        { title: 'MINI-BATCHES', text: (peer) => groupDigits(peer.miniBatches), right: true },
        { title: 'ITEMS', text: (peer) => groupDigits(peer.items), right: true },
        { title: 'SHARE', text: (peer) => percentText(peer.share), right: true },
      ],
      answer.peers,
    )
  }
  if (answer.failures.length > 0) {
    await cli.screen.line('')
    await printTable(
      cli.screen,
      [
        { title: 'TIMES', text: (group) => groupDigits(group.count), right: true },
        { title: 'CAUSE', text: (group) => group.cause },
        {
          title: 'FIRST',
          text: ({ first }) => first.item || `mini-batch ${miniBatchName(first.miniBatch)}`,
        },
        { title: 'MACHINE', text: ({ first }) => first.peerName },
        { title: 'WHY', text: (group) => group.message },
      ],
      answer.failures,
    )
  }
  return exitCodes.done
}

const fieldsOf = (job: JobDetailView): (readonly [string, string])[] => [
  ['Job', job.id],
  ['Name', job.name],
  ['Description', job.description],
  ['State', job.reason === '' ? job.state : `${job.state}: ${job.reason}`],
  [headlineTitle(job.state), job.headline],
  ['Progress', progressLine(job)],
  ['Mini-batches', miniBatchText(job)],
  ['Reuse', job.reuse],
  ['Experiment', job.experiment],
  [
    'Pipeline',
    job.pipeline === '' ? '' : `${job.pipelineName} (${job.pipeline}), step ${job.step}`,
  ],
  ['Model', job.model],
  ['Submitted', `${dateText(job.submittedAt)} by ${job.submitterName}`],
  ['First rows', dateText(job.startedAt)],
  ['Ended', dateText(job.endedAt)],
  ['Keeper', job.keeperName],
  ['Data from', job.dataPeerName],
  ['Rows', `${groupDigits(job.rows)}, of them here ${groupDigits(job.rowsHere)}`],
  ['Output', job.output],
  ['Files', filesText(job)],
]

const miniBatchText = (job: JobDetailView): string =>
  [
    `${groupDigits(job.committed)} / ${groupDigits(job.miniBatches)} committed`,
    ...(job.leased === 0 ? [] : [`${groupDigits(job.leased)} leased`]),
    ...(job.failed === 0 ? [] : [`${groupDigits(job.failed)} failed`]),
    ...(job.canceled === 0 ? [] : [`${groupDigits(job.canceled)} canceled`]),
    ...(job.charged === 0 ? [] : [`${countText(job.charged, 'attempt')} charged`]),
  ].join(' · ')
