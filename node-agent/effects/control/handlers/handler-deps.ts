import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import type { Exports } from '#agent/ports/exports.ts'
import type { FailureGroup } from '#agent/ports/views.ts'
import type { AgentView, ClusterView, MachineView } from '#protocol/control/views.ts'
import type { DoctorView, LoopDelayView } from '#protocol/control/care-views.ts'
import type { MiniBatchMapView, TimelineView } from '#protocol/control/job-views.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { Result } from '#protocol/model/result.ts'
import type { ClusterCommands } from '../cluster-commands.ts'
import type { JobLogs } from '../../keeper/job-logs.ts'
import type { CheckFile } from '../../submit/check-file.ts'
import type { PreviewData } from '../../submit/preview.ts'
import type { PipelineHandlerDeps } from '../../runs/pipeline-handlers.ts'
import type { Registry } from '../registry/registry.ts'
import type { Pools } from '../pools.ts'
import type { SettingsBook } from '../settings.ts'
import type { StoreWork } from '../store-work.ts'
import type { TryJob } from '../../submit/try-job.ts'
import type { Submitting } from '../../submit/submit.ts'

/** What the calls of the control API are answered from. */
export interface HandlerDeps extends PipelineHandlerDeps {
  readonly commands: ClusterCommands
  readonly submitting: Submitting
  readonly registry: Registry
  readonly previewData: PreviewData
  readonly checkFile: CheckFile
  readonly pools: Pools
  /** The group with the name of its first item, as far as that is known here. */
  readonly withItem: (job: JobId, group: FailureGroup) => Promise<FailureGroup>
  readonly pauseJob: (job: JobId, paused: boolean) => Promise<Result<void, MusterError>>
  readonly forgetJob: (fold: JobFold) => Promise<Result<void, MusterError>>
  readonly jobLogs: JobLogs
  readonly tryJob: TryJob
  readonly sequence: () => number
  readonly agentView: () => AgentView
  readonly clusterView: () => ClusterView | null
  readonly machines: () => readonly MachineView[]
  readonly explain: (fold: JobFold, miniBatch: number | undefined) => Promise<readonly string[]>
  readonly miniBatchMap: (
    fold: JobFold,
    range: {
      readonly from: number | undefined
      readonly count: number | undefined
      readonly peers: boolean
    },
  ) => Promise<MiniBatchMapView>
  readonly timeline: (fold: JobFold, since: number) => TimelineView
  readonly addAddress: (address: string) => Promise<Result<void, MusterError>>
  readonly stop: () => void
  readonly settings: SettingsBook
  readonly storeWork: StoreWork
  readonly exports: Exports
  readonly examine: () => Promise<DoctorView>
  /** Undefined unless the agent was started for measuring. */
  readonly loopDelay: (() => LoopDelayView) | undefined
}

/** Functions for some of the calls. */
export type Handlers<Name extends keyof ControlHandlers> = Pick<ControlHandlers, Name>

/** The answer of a command that has nothing to tell. */
export const done = { done: true } as const
