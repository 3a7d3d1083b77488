import { readFile, writeFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { adviseOnPython } from '#protocol/spec/python-script.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'

interface Options {
  readonly output?: string
}

/** Asks no agent: a Python script is read here, and the script to begin with is written beside it. */
export const scriptSkeleton = async (
  cli: Cli,
  file: string,
  { output }: Options,
): Promise<ExitCode> => {
  const path = resolve(file)
  if (/\.[cm]?[jt]sx?$/i.test(path)) throw new MusterFailure(notPython(path))
  const target = resolve(output ?? path.replace(/(\.py)?$/i, '.ts'))
  const { command, hint, skeleton } = adviseOnPython(await readScript(path), basename(path))
  await writeNew(target, `${skeleton}\n`)
  if (cli.json) {
    await cli.printJson({ file: path, output: target, command, hint })
    return exitCodes.done
  }
  await cli.screen.line(`Wrote ${safe(target)}: a script to begin with.`)
  if (command === '') await cli.screen.line(`${hint.charAt(0).toUpperCase()}${hint.slice(1)}.`)
  else {
    await cli.screen.line('Turn its model into ONNX with:')
    await cli.screen.line(`  ${command}`)
    if (hint !== '') await cli.screen.line(`  (${hint})`)
  }
  return exitCodes.done
}

const notPython = (path: string) =>
  musterError(
    'RequestInvalid',
    `${path} is no Python script: a job takes it as it is, with \`entry_script\`.`,
  )

const readScript = async (path: string): Promise<string> => {
  try {
    return (await readFile(path, 'utf8')).slice(0, limits.jobFileBytes)
  } catch (thrown) {
    const detail = thrownToText(thrown)
    const message = `The script ${path} cannot be read; check the path and its rights.`
    throw new MusterFailure(musterError('ScriptMissing', message, { detail }))
  }
}

/** What somebody wrote is never overwritten. */
const writeNew = async (path: string, text: string): Promise<void> => {
  try {
    await writeFile(path, text, { flag: 'wx' })
  } catch (thrown) {
    const isThere = thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST'
    const message = isThere
      ? `${path} is there already; choose another file with --output.`
      : `${path} cannot be written; check the path and its rights.`
    throw new MusterFailure(
      musterError(isThere ? 'OutputExists' : 'RequestInvalid', message, {
        detail: thrownToText(thrown),
      }),
    )
  }
}
