import { randomUUID } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { Setting } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'

interface Options {
  readonly set?: Record<string, Setting>
  readonly watch?: boolean
}

/** The text goes to the agent with the file's absolute path, against which it resolves other paths. */
export const jobSubmit = async (cli: Cli, file: string, options: Options): Promise<ExitCode> => {
  const path = resolve(file)
  const text = await readJobFile(path)
  const job = await cli.call('submitJob', {
    body: {
      text,
      file: path,
      submissionId: randomUUID(),
      ...(options.set === undefined ? {} : { overrides: options.set }),
    },
  })
  if (options.watch === true) {
    const { watchJob } = await import('../watch.ts')
    return watchJob(cli, job.id)
  }
  if (cli.json) await cli.printJson(job)
  else {
    await cli.screen.line(`Submitted ${safe(job.name)} as job ${job.id}.`)
    await cli.screen.line(`Follow it with \`muster job watch ${job.id}\`.`)
  }
  return exitCodes.done
}

const readJobFile = async (path: string): Promise<string> => {
  try {
    const { size } = await stat(path)
    if (size <= limits.jobFileBytes) return await readFile(path, 'utf8')
  } catch (thrown) {
    throw new MusterFailure(
      musterError(
        'JobFileMissing',
        `The job file ${path} cannot be read; check the path and its rights.`,
        {
          detail: thrownToText(thrown),
        },
      ),
    )
  }
  throw new MusterFailure(
    musterError(
      'JobFileInvalid',
      `The file ${path} is larger than ${limits.jobFileBytes} bytes, so it is no job file; choose another.`,
    ),
  )
}
