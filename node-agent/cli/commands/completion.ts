import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { completionScript } from '../completion/script.ts'
import type { Shell } from '../completion/script.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'

/** Prints the script; with `--json` as one text. */
export const completion = async (cli: Cli, shell: Shell, program: Command): Promise<ExitCode> => {
  const script = completionScript(program, shell)
  if (cli.json) await cli.printJson({ shell, script })
  else await cli.screen.write(script)
  return exitCodes.done
}
