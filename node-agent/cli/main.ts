import process from 'node:process'
import { runCli } from './run.ts'

/** Entry of `muster`; `bin/muster` runs it on the pinned Node. */
process.exitCode = await runCli(process.argv.slice(2))
