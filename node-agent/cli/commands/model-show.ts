import { groupDigits } from '#protocol/control/progress-line.ts'
import type { ModelView } from '#protocol/control/views.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { printFields } from '../table.ts'
import { bytesText, dateText, tagsText } from '../text.ts'

export const modelShow = async (cli: Cli, model: string): Promise<ExitCode> => {
  const answer = await cli.call('model', { query: { model } })
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  await printFields(cli.screen, [
    ['Model', `${answer.name}:${answer.version}`],
    ['Description', answer.description],
    ['Tags', tagsText(answer.tags)],
    ...answer.inputs.map((tensor) => ['Input', tensorText(tensor)] as const),
    ...answer.outputs.map((tensor) => ['Output', tensorText(tensor)] as const),
    ['Opset', String(answer.opset)],
    ['Producer', answer.producer],
    ['Parameters', groupDigits(answer.parameters)],
    ['Size', bytesText(answer.bytes)],
    ['Registered', `${dateText(answer.registeredAt)} by ${answer.registeredBy}`],
    ...answer.files.map(
      ({ path, bytes, blob }) =>
        ['File', `${path} (${bytesText(bytes)}, SHA-256 ${blob})`] as const,
    ),
  ])
  return exitCodes.done
}

const tensorText = ({ name, type, shape }: ModelView['inputs'][number]): string =>
  `${name}: ${type} [${shape.join(', ')}]`
