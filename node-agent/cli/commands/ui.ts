import { spawn } from 'node:child_process'
import process from 'node:process'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'

/** With `--print` or `--json` the address is printed and nothing is opened. */
export const ui = async (cli: Cli, options: { readonly print?: boolean }): Promise<ExitCode> => {
  const answer = await cli.call('signInCode')
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  if (options.print !== true && !(await openInBrowser(answer.url))) {
    cli.screen.note(
      'No browser could be opened here; open this address, which works once, in your own.',
    )
  }
  await cli.screen.line(answer.url)
  return exitCodes.done
}

const openers: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** Whether the system's opener could be started; what it does then is its own affair. */
const openInBrowser = (url: string): Promise<boolean> => {
  const [command, ...args] = openers[process.platform] ?? ['xdg-open']
  return new Promise((resolve) => {
    const child = spawn(command, [...args, url], { detached: true, stdio: 'ignore' })
    child.once('error', () => resolve(false))
    child.once('spawn', () => {
      child.unref()
      resolve(true)
    })
  })
}
