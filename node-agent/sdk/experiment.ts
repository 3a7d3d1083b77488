import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import process from 'node:process'
import type { ComparisonView } from '#protocol/control/pipeline-views.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import type { ParameterValues } from './parameter.ts'
import type { Pipeline } from './pipeline.ts'
import { Run } from './run.ts'
import type { Workspace } from './workspace.ts'

export interface SubmitOptions {
  /** Values of parameters; those left out keep their defaults. `"1"` and `1` mean the same. */
  readonly pipelineParameters?: ParameterValues
  /** Whether steps that do not need a failed one still run. */
  readonly continueOnStepFailure?: boolean
  /** Compute everything anew, whatever could be taken over from earlier runs. */
  readonly regenerateOutputs?: boolean
}

/** A name under which runs are kept and compared. */
export class Experiment {
  readonly workspace: Workspace
  readonly name: string

  constructor(workspace: Workspace, name: string) {
    this.workspace = workspace
    this.name = name
  }

  /** Submits and answers at once; `run.waitForCompletion()` waits. */
  async submit(pipeline: Pipeline, options: SubmitOptions = {}): Promise<Run> {
    const { pipelineParameters, continueOnStepFailure, regenerateOutputs } = options
    const file = await pipeline.toFile({
      experiment: this.name,
      continueOnStepFailure: continueOnStepFailure ?? false,
      regenerateOutputs: regenerateOutputs ?? false,
    })
    const { pipeline: view } = await this.workspace.connection.call('submitPipeline', {
      body: {
        text: JSON.stringify(file, null, 2),
        // Relative paths of scripts and models start where the program runs.
        file: join(process.cwd(), `${pipeline.name}.json`),
        submissionId: randomUUID(),
        ...(pipelineParameters === undefined ? {} : { parameters: { ...pipelineParameters } }),
      },
    })
    if (view !== null) return new Run(this.workspace, view)
    throw new MusterFailure(musterError('Internal', 'The agent scheduled what was to be run now.'))
  }

  /** Its runs, newest first. */
  async runs(): Promise<readonly Run[]> {
    const query = { experiment: this.name }
    const { pipelines } = await this.workspace.connection.call('pipelines', { query })
    return pipelines.map((view) => new Run(this.workspace, view))
  }

  /** Its runs side by side, differing settings first. */
  compare(): Promise<ComparisonView> {
    return this.workspace.connection.call('compareExperiments', { query: { of: this.name } })
  }
}
