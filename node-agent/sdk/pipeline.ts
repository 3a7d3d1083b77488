import type { ParallelRunStep } from './parallel-run-step.ts'
import { pipelineFile } from './pipeline-file.ts'
import type { PipelineFile, PipelineHead } from './pipeline-file.ts'
import type { Workspace } from './workspace.ts'

export interface PipelineOptions {
  readonly steps: readonly ParallelRunStep[]
  /** Default: the name of its only or first step. */
  readonly name?: string
  readonly description?: string
}

/** Steps that are submitted together. Their order comes from what they read, not from the list. */
export class Pipeline {
  readonly workspace: Workspace
  readonly steps: readonly ParallelRunStep[]
  readonly name: string
  readonly description: string

  constructor(workspace: Workspace, { steps, name, description = '' }: PipelineOptions) {
    this.workspace = workspace
    this.steps = steps
    this.name = name ?? steps[0]?.name ?? ''
    this.description = description
  }

  /** The file that is submitted: a Muster pipeline file as JSON. */
  toFile(more: Partial<PipelineHead> = {}): Promise<PipelineFile> {
    return pipelineFile(
      {
        name: this.name,
        description: this.description,
        experiment: this.name,
        continueOnStepFailure: false,
        regenerateOutputs: false,
        ...more,
      },
      this.steps,
    )
  }
}
