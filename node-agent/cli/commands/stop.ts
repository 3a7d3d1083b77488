import { setTimeout as sleep } from 'node:timers/promises'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { isAlive, notRunning, readControlFile } from '../cli.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'

/** Asks the agent to stop and waits until its process is gone, so that the next start finds the home free. */
export const stop = async (cli: Cli): Promise<ExitCode> => {
  const file = await readControlFile(cli.home)
  if (file === undefined) throw new MusterFailure(notRunning(cli))
  const answer = await cli.call('stop')
  const until = performance.now() + limits.shutdownMs
  while (isAlive(file.pid)) {
    if (performance.now() > until) {
      throw new MusterFailure(
        musterError(
          'TimedOut',
          `The agent was told to stop, but its process ${file.pid} still runs; look into its log or end the process.`,
        ),
      )
    }
    await sleep(limits.stopPollMs, undefined, { signal: cli.signal })
  }
  if (cli.json) await cli.printJson(answer)
  else await cli.screen.line('The agent has stopped.')
  return exitCodes.done
}
