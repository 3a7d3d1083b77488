import type { SettingView } from '#protocol/control/care-views.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { ruleOf, shareOf } from '#protocol/spec/settings.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'
import { printFields, printTable } from '../table.ts'

export const settingsList = async (cli: Cli): Promise<ExitCode> => {
  const answer = await cli.call('settings')
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  await printTable(
    cli.screen,
    [
      { title: 'SETTING', text: ({ key }) => key },
      { title: 'VALUE', text: ({ text }) => text },
      { title: 'FROM', text: ({ from }) => from },
      { title: 'DESCRIPTION', text: ({ description }) => description },
    ],
    answer.settings,
  )
  return exitCodes.done
}

export const settingsGet = async (cli: Cli, key: string): Promise<ExitCode> => {
  const { settings } = await cli.call('settings')
  const found = settings.find((one) => one.key === key)
  if (found === undefined) throw new MusterFailure(unknown(key))
  if (cli.json) {
    await cli.printJson(found)
    return exitCodes.done
  }
  await printFields(cli.screen, [
    ['Value', found.text],
    ['From', found.from],
    ['Default', found.default],
    ['Allowed', found.allowed],
    ['Meaning', found.description],
    ['Note', found.note],
  ])
  return exitCodes.done
}

/** A share that is not mapped is a name that could be one. */
const unknown = (key: string) => {
  const rule = ruleOf(key)
  if (!rule.ok) return rule.error
  return musterError(
    'NotFound',
    `The share "${shareOf(key)}" is not mapped here; map it with \`muster settings set ${key} FOLDER\`.`,
  )
}

export const settingsSet = async (
  cli: Cli,
  key: string,
  value: string | undefined,
  options: { readonly default?: boolean },
): Promise<ExitCode> => {
  const isDefault = options.default === true
  if (isDefault === (value !== undefined))
    throw new MusterFailure(
      musterError('RequestInvalid', 'Give either a value or --default; one of them is needed.'),
    )
  const changed = await cli.call('changeSetting', { body: { key, value: value ?? null } })
  if (cli.json) await cli.printJson(changed)
  else await printChanged(cli, changed)
  return exitCodes.done
}

const printChanged = async ({ screen }: Cli, { key, text, note }: SettingView): Promise<void> => {
  await screen.line(safe(text === '' ? `${key} is not set.` : `${key} is ${text}.`))
  if (note !== '') await screen.line(safe(note))
}
