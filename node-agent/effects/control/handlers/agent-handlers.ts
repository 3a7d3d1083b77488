import type { SnapshotView } from '#protocol/control/views.ts'
import { musterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'
import { done } from './handler-deps.ts'
import type { HandlerDeps, Handlers } from './handler-deps.ts'
import { modelToView } from './model-handlers.ts'

export const agentHandlers = (
  deps: HandlerDeps,
): Handlers<'snapshot' | 'agent' | 'stop' | 'peers'> => ({
  snapshot: async () => {
    const sequence = deps.sequence()
    const jobs = await deps.views.jobs(limits.snapshotJobs)
    const models = await deps.views.models()
    const snapshot: SnapshotView = {
      sequence,
      agent: deps.agentView(),
      cluster: deps.clusterView(),
      machines: [...deps.machines()],
      jobs: jobs.map(deps.live.toView),
      models: models.map(modelToView),
    }
    return ok(snapshot)
  },
  agent: async () => ok(deps.agentView()),
  stop: async () => {
    deps.stop()
    return ok(done)
  },
  peers: async () => ok({ peers: [...deps.machines()] }),
})

export const careHandlers = (
  deps: HandlerDeps,
): Handlers<
  'doctor' | 'settings' | 'changeSetting' | 'storeWork' | 'startStoreWork' | 'loopDelay'
> => ({
  doctor: async () => ok(await deps.examine()),
  settings: async () => ok({ settings: [...deps.settings.list()] }),
  changeSetting: ({ body }) => deps.settings.change(body.key, body.value),
  storeWork: async () => ok(deps.storeWork.now()),
  startStoreWork: async ({ body }) => deps.storeWork.start(body.kind),
  loopDelay: async () =>
    deps.loopDelay === undefined
      ? err(musterError('NotFound', 'Start the agent with MUSTER_DEBUG=1 to measure its loop.'))
      : ok(deps.loopDelay()),
})
