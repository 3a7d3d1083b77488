import type { Cli } from '../cli.ts'
import type { ExitCode } from '../exit-codes.ts'
import { watchJob } from '../watch.ts'

export const jobWatch = (cli: Cli, job: string): Promise<ExitCode> => watchJob(cli, job)
