import type { Cli } from './cli.ts'
import type { ExitCode } from './exit-codes.ts'

/**
 * A command's work. `Args` are its arguments in order and its options last. The module that does it is
 * loaded when it runs, so that `muster --version` loads none of them.
 */
export type Act<Args extends readonly unknown[]> = (cli: Cli, ...args: Args) => Promise<ExitCode>

/** Makes a commander action of an act; `run.ts` gives the acts their Cli. */
export type Runs = <Args extends readonly unknown[]>(
  load: () => Promise<Act<Args>>,
) => (...given: unknown[]) => Promise<void>
