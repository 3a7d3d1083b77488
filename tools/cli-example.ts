/** One example for each command of `docs/cli.md`: a command line, and what `--json` prints. */
export interface CliExample {
  /** Command as in the program, without `muster`. */
  readonly command: string
  readonly line: string
  /** Name of the schema of its answer, in `answerSchemas` of `cli-docs.ts`. */
  readonly schema: string
  readonly answer: unknown
}

/** A machine and a time that several examples name. */
export const anna = '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'
export const submitted = 1_795_442_400_000
