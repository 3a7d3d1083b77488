import type { MiniBatch, ScriptContext, Session } from './muster.ts'
import { confidence, labelOf } from './labels.ts'

// Reads handwritten digits with the model of examples/mnist. Pictures and tensors stay in the runtime
// process; what comes back here are ten numbers a digit.

let model: Session
let least: number

/** Once for each worker process. */
export const init = async (context: ScriptContext): Promise<void> => {
  model = await context.session()
  least = Number(context.arguments['least'] ?? 0)
  context.logger.info('ready with', model.name, 'as worker', context.workerIndex)
}

/** Once for each mini-batch: one row for each picture that could be decoded. */
export const run = async (miniBatch: MiniBatch, context: ScriptContext): Promise<object[]> => {
  const images = await context.decodeImages(miniBatch, {
    width: 28,
    height: 28,
    channels: 'gray',
    scale: 1 / 255,
  })
  for (const { message } of images.failures) context.logger.warning(message)
  const { logits } = await model.run(images)
  if (logits === undefined) throw new Error('the model has no output "logits"')
  const best = await (await logits.softmax()).topK(1)
  return images.items.map((item, at) => {
    const [top] = best[at] ?? []
    const score = top?.score ?? 0
    return {
      key: item.name,
      digit: labelOf(top?.index ?? -1),
      score: Number(score.toFixed(4)),
      confidence: confidence(score, least),
    }
  })
}
