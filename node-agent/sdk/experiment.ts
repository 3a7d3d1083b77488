import { randomUUID } from 'node:crypto'
import type { ComparisonView } from '#protocol/control/pipeline-views.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { checkInstance, checkOptions } from './check-options.ts'
import type { ParameterValues } from './parameter.ts'
import { Pipeline, submission } from './pipeline.ts'
import { Run } from './run.ts'
import { mustBeWorkspace, Workspace } from './workspace.ts'

export interface SubmitOptions {
  /** Values of parameters; those left out keep their defaults. `"1"` and `1` mean the same. */
  readonly pipelineParameters?: ParameterValues
  /** Whether steps that do not need a failed one still run. */
  readonly continueOnStepFailure?: boolean
  /** Compute everything anew, whatever could be taken over from earlier runs. */
  readonly regenerateOutputs?: boolean
}

const optionTable = {
  pipelineParameters: 'may',
  continueOnStepFailure: 'may',
  regenerateOutputs: 'may',
} as const

/** A name under which runs are kept and compared. */
export class Experiment {
  readonly workspace: Workspace
  readonly name: string

  constructor(workspace: Workspace, name: string) {
    checkInstance("An Experiment's workspace", workspace, Workspace, mustBeWorkspace)
    this.workspace = workspace
    this.name = name
  }

  /** Names that runs were submitted under, the last used first. */
  static async list(workspace: Workspace): Promise<readonly Experiment[]> {
    const { experiments } = await workspace.connection.call('experiments')
    return experiments.map(({ name }) => new Experiment(workspace, name))
  }

  /** Submits and answers at once; `run.waitForCompletion()` waits. */
  async submit(pipeline: Pipeline, options: SubmitOptions = {}): Promise<Run> {
    checkInstance('What is submitted', pipeline, Pipeline, 'a Pipeline')
    checkOptions<SubmitOptions>('submit', options, optionTable)
    const { pipelineParameters, continueOnStepFailure, regenerateOutputs } = options
    const body = await submission(pipeline, {
      experiment: this.name,
      continueOnStepFailure: continueOnStepFailure ?? false,
      regenerateOutputs: regenerateOutputs ?? false,
    })
    const { pipeline: view } = await this.workspace.connection.call('submitPipeline', {
      body: {
        ...body,
        submissionId: randomUUID(),
        ...(pipelineParameters === undefined ? {} : { parameters: { ...pipelineParameters } }),
      },
    })
    if (view !== null) return new Run(this.workspace, view)
    throw new MusterFailure(musterError('Internal', 'The agent scheduled what was to be run now.'))
  }

  /** Its runs, newest first. */
  async getRuns(): Promise<readonly Run[]> {
    const query = { experiment: this.name }
    const { pipelines } = await this.workspace.connection.call('pipelines', { query })
    return pipelines.map((view) => new Run(this.workspace, view))
  }

  /** Its runs side by side, differing settings first. */
  compare(): Promise<ComparisonView> {
    return this.workspace.connection.call('compareExperiments', { query: { of: this.name } })
  }
}
