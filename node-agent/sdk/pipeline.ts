import { join } from 'node:path'
import process from 'node:process'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import type { ErrorCode } from '#protocol/errors.ts'
import { checkInstance, checkOptions, refused } from './check-options.ts'
import type { ParallelRunStep } from './parallel-run-step.ts'
import type { ParameterValues } from './parameter.ts'
import { pipelineFile } from './pipeline-file.ts'
import type { PipelineFile, PipelineHead } from './pipeline-file.ts'
import { mustBeWorkspace, Workspace } from './workspace.ts'

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

  constructor(workspace: Workspace, options: PipelineOptions) {
    checkInstance("A Pipeline's workspace", workspace, Workspace, mustBeWorkspace)
    const table = { steps: 'needed', name: 'may', description: 'may' } as const
    checkOptions<PipelineOptions>('Pipeline', options, table)
    const { steps, name, description = '' } = options
    if (steps.length === 0) throw refused('A Pipeline without steps does nothing; give it one.')
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

  /**
   * Reads it as a submission would; nothing is recorded. Answers what has no effect, in sentences.
   * @throws MusterFailure with the first thing that is wrong
   */
  async validate(pipelineParameters: ParameterValues = {}): Promise<readonly string[]> {
    const { warnings, problem } = await this.workspace.connection.call('checkFile', {
      body: { ...(await submission(this)), parameters: { ...pipelineParameters } },
    })
    if (problem === null) return warnings
    const { code, message, retryable } = problem
    throw new MusterFailure(musterError(code as ErrorCode, message, { retryable }))
  }
}

/** What is submitted of a pipeline: the file, and where its relative paths start. */
export const submission = async (
  pipeline: Pipeline,
  head: Partial<PipelineHead> = {},
): Promise<{ readonly text: string; readonly file: string }> => ({
  text: JSON.stringify(await pipeline.toFile(head), null, 2),
  // Relative paths of scripts and models start where the program runs.
  file: join(process.cwd(), `${pipeline.name}.json`),
})
