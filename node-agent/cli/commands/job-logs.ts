import { musterError, MusterFailure } from '#protocol/errors.ts'
import { miniBatchColumns, miniBatchLine } from '#protocol/model/attempt-log.ts'
import { limits } from '#protocol/limits.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'
import { printTable } from '../table.ts'
import { bytesText, dateText } from '../text.ts'

interface Options {
  readonly peer?: string
  readonly process?: number
  readonly tail?: number
  readonly miniBatches?: true
}

export const jobLogs = async (cli: Cli, job: string, options: Options): Promise<ExitCode> => {
  const { peer } = options
  if (peer === undefined && (options.process !== undefined || options.tail !== undefined))
    throw new MusterFailure(musterError('RequestInvalid', needsPeer))
  if (options.miniBatches === true) return miniBatches(cli, job)
  if (peer !== undefined) return printLogs(cli, job, { ...options, peer })
  const answer = await cli.call('jobLogs', { query: { job } })
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  for (const line of answer.overview.trimEnd().split('\n')) await cli.screen.line(safe(line))
  if (answer.logs.length > 0) {
    await cli.screen.line('')
    await printTable(
      cli.screen,
      [
        { title: 'LOG OF', text: (log) => log.peerName },
        { title: 'PROCESS', text: (log) => String(log.process), right: true },
        { title: 'SIZE', text: (log) => bytesText(log.bytes), right: true },
        { title: 'STARTED', text: (log) => dateText(log.startedAt) },
      ],
      answer.logs,
    )
  }
  for (const name of answer.missing)
    cli.screen.note(`${safe(name)} cannot be reached; its logs can be read when it is back.`)
  if (answer.folder !== '') await cli.screen.line(`\nFiles of the run: ${safe(answer.folder)}`)
  return exitCodes.done
}

const needsPeer = '--process and --tail are for the logs of one machine: name it with --peer.'

const printLogs = async (
  cli: Cli,
  job: string,
  { peer, process, tail }: Options & { readonly peer: string },
): Promise<ExitCode> => {
  const answer = await cli.call('jobLog', {
    query: {
      job,
      peer,
      ...(process === undefined ? {} : { process }),
      ...(tail === undefined ? {} : { tail }),
    },
  })
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  for (const log of answer.logs) {
    const start = log.startedAt === null ? '' : `, started ${dateText(log.startedAt)}`
    if (answer.logs.length > 1)
      await cli.screen.line(`--- process ${log.process} of ${safe(log.peerName)}${start} ---`)
    const lines = log.text === '' ? [] : log.text.replace(/\n$/, '').split(/\r?\n/)
    for (const line of lines) await cli.screen.line(safe(line.replaceAll('\t', '    ')))
  }
  if (answer.logs.length === 0)
    cli.screen.note(`Worker processes of this job printed nothing on ${safe(peer)}.`)
  return exitCodes.done
}

/** The same lines as `mini-batches.csv` in the folder of the run. */
const miniBatches = async (cli: Cli, job: string): Promise<ExitCode> => {
  for (let cursor: string | undefined; ;) {
    const query = { job, limit: limits.pageRows, ...(cursor === undefined ? {} : { cursor }) }
    const { attempts, next } = await cli.call('attempts', { query })
    // After the answer: where there is none, nothing is printed.
    if (!cli.json && cursor === undefined) await cli.screen.line(miniBatchColumns.join(','))
    for (const one of attempts) {
      if (cli.json) await cli.printJson(one)
      else await cli.screen.line(miniBatchLine(one, one.peerName))
    }
    if (next === null) return exitCodes.done
    cursor = next
  }
}
