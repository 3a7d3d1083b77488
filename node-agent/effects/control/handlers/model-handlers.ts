import type { ModelView } from '#protocol/control/views.ts'
import { musterError } from '#protocol/errors.ts'
import type { Model } from '#protocol/model/model.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { HandlerDeps } from './handler-deps.ts'
import type { Handlers } from './handler-deps.ts'

export const modelHandlers = (
  deps: HandlerDeps,
): Handlers<'registerModel' | 'models' | 'model'> => ({
  registerModel: async ({ body, signal }) => {
    const wish = { ...body, description: body.description ?? '', tags: body.tags ?? {} }
    const model = await deps.submitting.registerModel(wish, signal)
    return model.ok ? ok(modelToView(model.value)) : model
  },
  models: async () => ok({ models: (await deps.views.models()).map(modelToView) }),
  model: async ({ query }) => {
    const [name = '', version] = query.model.split(':')
    const wanted = version === undefined ? undefined : Number(version)
    const model = await deps.views.model(name, wanted)
    if (model !== undefined) return ok(modelToView(model))
    const message = `No model "${query.model}" is registered; \`muster model list\` shows those that are.`
    return err(musterError('ModelUnknown', message))
  },
})

export const modelToView = (model: Model): ModelView => ({
  name: model.name,
  version: model.version,
  description: model.description,
  tags: { ...model.tags },
  files: model.files.map((file) => ({ ...file })),
  inputs: model.facts.inputs.map((one) => ({ ...one, shape: [...one.shape] })),
  outputs: model.facts.outputs.map((one) => ({ ...one, shape: [...one.shape] })),
  opset: model.facts.opset,
  producer: model.facts.producer,
  parameters: model.facts.parameters,
  bytes: model.facts.bytes,
  registeredBy: model.registeredBy,
  registeredAt: model.registeredAt,
})
