import type { DoctorCheckView, DoctorView } from '#protocol/control/care-views.ts'
import { MusterFailure } from '#protocol/errors.ts'
import { readControlFile } from '../cli.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { pageFolder } from '../page-folder.ts'
import { safe } from '../screen.ts'

/** Works with and without a running agent. The exit code tells whether something is broken. */
export const doctor = async (cli: Cli): Promise<ExitCode> => {
  const view = await examine(cli)
  if (cli.json) await cli.printJson(view)
  else for (const check of view.checks) await printCheck(cli, check)
  if (!view.running) return exitCodes.agentNotReachable
  return view.level === 'fail' ? exitCodes.broken : exitCodes.done
}

const examine = async (cli: Cli): Promise<DoctorView> => {
  if ((await readControlFile(cli.home)) !== undefined) {
    try {
      return await cli.call('doctor')
    } catch (thrown) {
      const code = thrown instanceof MusterFailure ? thrown.error.code : undefined
      if (code !== 'AgentUnreachable' && code !== 'Unauthorized') throw thrown
    }
  }
  const { examineOffline } = await import('#agent/offline.ts')
  return examineOffline(cli.home, pageFolder)
}

const marks = { ok: ['ok  ', 'green'], warn: ['warn', 'yellow'], fail: ['FAIL', 'red'] } as const

const printCheck = async ({ screen }: Cli, check: DoctorCheckView): Promise<void> => {
  const [mark, style] = marks[check.level]
  await screen.line(`${screen.style(style, mark)}  ${safe(`${check.about}: ${check.message}`)}`)
  // Ways that work are of no interest unless one does not.
  if (check.level !== 'ok')
    for (const { address, outcome } of check.tried)
      await screen.line(`        ${safe(`${address}: ${outcome}`)}`)
  if (check.advice !== '') await screen.line(`      ${safe(check.advice)}`)
}
