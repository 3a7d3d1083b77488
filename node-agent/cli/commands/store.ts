import { setTimeout as sleep } from 'node:timers/promises'
import { groupDigits } from '#protocol/control/progress-line.ts'
import type { StoreReportView, StoreWorkView } from '#protocol/control/care-views.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { readControlFile } from '../cli.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'
import { bytesText } from '../text.ts'

export const storeCheck = (cli: Cli): Promise<ExitCode> => run(cli, 'check')
export const storeRebuild = (cli: Cli): Promise<ExitCode> => run(cli, 'rebuild')

/** Through the agent if it runs; else here, with its home locked. */
const run = async (cli: Cli, kind: 'check' | 'rebuild'): Promise<ExitCode> => {
  const isRunning = (await readControlFile(cli.home)) !== undefined
  const report = isRunning ? await throughAgent(cli, kind) : await offline(cli, kind)
  cli.screen.progress('')
  if (cli.json) await cli.printJson(report)
  else await printReport(cli, kind, report)
  return report.sound ? exitCodes.done : exitCodes.broken
}

const throughAgent = async (cli: Cli, kind: 'check' | 'rebuild'): Promise<StoreReportView> => {
  let work: StoreWorkView = await cli.call('startStoreWork', { body: { kind } })
  while (work.state === 'running') {
    showProgress(cli, work.phase, work.done, work.total)
    await sleep(limits.storePollMs, undefined, { signal: cli.signal })
    work = await cli.call('storeWork')
  }
  if (work.report !== null) return work.report
  throw new MusterFailure(
    musterError(
      'StoreBroken',
      work.error === '' ? 'The agent forgot this work; try again.' : work.error,
    ),
  )
}

const offline = async (cli: Cli, kind: 'check' | 'rebuild'): Promise<StoreReportView> => {
  const { storeWorkOffline } = await import('#agent/offline.ts')
  const tell = (phase: string, done: number, total: number): void =>
    showProgress(cli, phase, done, total)
  const { home, signal } = cli
  const report = await storeWorkOffline({ home, kind, tell, signal })
  if (!report.ok) throw new MusterFailure(report.error)
  return report.value
}

const showProgress = ({ screen }: Cli, phase: string, done: number, total: number): void => {
  const share = total === 0 ? '' : ` ${groupDigits(done)} of ${groupDigits(total)}`
  if (phase !== '') screen.progress(`${phase}${share}`)
}

const printReport = async (
  { screen }: Cli,
  kind: 'check' | 'rebuild',
  report: StoreReportView,
): Promise<void> => {
  const { segments, records, bytes, blobs } = report
  await screen.line(
    `${bytesText(bytes)}, ${groupDigits(records)} records in ${groupDigits(segments)} signed segments; ` +
      `${groupDigits(blobs.present)} blobs of ${bytesText(blobs.bytes)}, ${blobs.orphan} orphan, ${blobs.missing} missing, ${blobs.corrupt} corrupt.`,
  )
  for (const note of report.notes) await screen.line(safe(note))
  for (const finding of report.findings) await screen.line(screen.style('red', safe(finding)))
  if (!report.sound) return
  await screen.line(
    kind === 'check'
      ? screen.style('green', 'The store is sound.')
      : screen.style('green', 'The tables were folded anew and are what they were.'),
  )
}
