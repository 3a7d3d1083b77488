import { groupDigits } from '#protocol/control/progress-line.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { printTable } from '../table.ts'
import { bytesText, dateText } from '../text.ts'

export const modelList = async (cli: Cli): Promise<ExitCode> => {
  const answer = await cli.call('models')
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  if (answer.models.length === 0) {
    await cli.screen.line(
      'No models yet; register one with `muster model register PATH --name NAME`.',
    )
    return exitCodes.done
  }
  await printTable(
    cli.screen,
    [
      { title: 'MODEL', text: (model) => `${model.name}:${model.version}` },
      { title: 'SIZE', text: (model) => bytesText(model.bytes), right: true },
      { title: 'PARAMETERS', text: (model) => groupDigits(model.parameters), right: true },
      { title: 'OPSET', text: (model) => String(model.opset), right: true },
      { title: 'REGISTERED', text: (model) => dateText(model.registeredAt) },
      { title: 'DESCRIPTION', text: (model) => model.description },
    ],
    answer.models,
  )
  return exitCodes.done
}
