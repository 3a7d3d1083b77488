import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import { exportHandlers } from './handlers/export-handlers.ts'
import { findKeptJob } from './find-job.ts'
import { logHandlers } from '../keeper/log-handlers.ts'
import {
  experimentHandlers,
  pipelineHandlers,
  scheduleHandlers,
} from '../runs/pipeline-handlers.ts'
import { lookHandlers, registryHandlers } from './handlers/registry-handlers.ts'
import { agentHandlers, careHandlers } from './handlers/agent-handlers.ts'
import { clusterHandlers, findPeer, poolHandlers } from './handlers/cluster-handlers.ts'
import type { HandlerDeps } from './handlers/handler-deps.ts'
import { changeHandlers, jobHandlers } from './handlers/job-handlers.ts'
import { modelHandlers } from './handlers/model-handlers.ts'
import { resultHandlers } from './handlers/result-handlers.ts'

/** One small function for each call of the control API. */
export const createControlHandlers = (deps: HandlerDeps): ControlHandlers => ({
  ...agentHandlers(deps),
  ...careHandlers(deps),
  ...clusterHandlers(deps),
  ...modelHandlers(deps),
  ...registryHandlers(deps),
  ...lookHandlers(deps),
  ...jobHandlers(deps),
  ...changeHandlers(deps),
  ...resultHandlers(deps),
  ...exportHandlers({ ...deps, find: (key) => findKeptJob(deps, key) }),
  ...pipelineHandlers(deps),
  ...experimentHandlers(deps),
  ...scheduleHandlers(deps),
  ...poolHandlers(deps),
  ...logHandlers({
    ...deps,
    find: (key) => findKeptJob(deps, key),
    findPeer: (key) => findPeer(deps.machines(), key),
  }),
})
