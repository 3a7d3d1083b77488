import { copyFile, mkdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { JobDetailView } from '#protocol/control/views.ts'
import type { PipelineView, StepView } from '#protocol/control/pipeline-views.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { Results } from './results.ts'
import type { Workspace } from './workspace.ts'

/** The run that a step belongs to. */
export interface RunOfStep {
  readonly workspace: Workspace
  readonly id: string
  readonly view: PipelineView
  readonly refresh: () => Promise<PipelineView>
}

/** One step of a run: a job. */
export class StepRun {
  readonly run: RunOfStep
  readonly name: string

  constructor(run: RunOfStep, name: string) {
    this.run = run
    this.name = name
  }

  /** As it was when the run was last asked. */
  get view(): StepView {
    const found = this.run.view.steps.find((step) => step.name === this.name)
    if (found === undefined)
      throw new MusterFailure(
        musterError('NotFound', `The run ${this.run.id} has no step "${this.name}".`),
      )
    return found
  }

  async getStatus(): Promise<StepView['state']> {
    await this.run.refresh()
    return this.view.state
  }

  /** Settings, machines and failures of its job. @throws MusterFailure `JobUnknown` before it has one */
  details(): Promise<JobDetailView> {
    const query = { job: this.jobId() }
    return this.run.workspace.connection.call('job', { query })
  }

  /** Its rows, in the order of its input. */
  results(): Results {
    return new Results(this.run.workspace, this.jobId())
  }

  /** Its output by name: what the step was given as `output`. */
  getOutputData(name: string): OutputData {
    return new OutputData(this, name)
  }

  /** A new job of just the failed items. */
  async retryFailed(): Promise<{ readonly job: string; readonly items: number }> {
    const { job, items } = await this.run.workspace.connection.call('retryFailed', {
      query: { job: this.jobId() },
      body: {},
    })
    return { job: job.id, items }
  }

  /** Removes its rows, logs, collected files and the names of its items on every machine. */
  async forget(): Promise<void> {
    const query = { job: this.jobId() }
    await this.run.workspace.connection.call('forgetJob', { query })
  }

  private jobId(): string {
    const { job } = this.view
    if (job !== '') return job
    throw new MusterFailure(
      musterError('JobUnknown', `The step "${this.name}" has not started yet; wait for it.`, {
        retryable: true,
      }),
    )
  }
}

/** The file with a step's rows. */
export class OutputData {
  readonly step: StepRun
  readonly name: string

  constructor(step: StepRun, name: string) {
    this.step = step
    this.name = name
  }

  /** Absolute path on the machine of the run's submitter; empty until it is written. */
  get path(): string {
    return this.step.view.output
  }

  /** Copies the file into a folder, which is made if need be. Answers its path there. */
  async download(localPath: string): Promise<string> {
    await this.step.run.refresh()
    const { path } = this
    if (path === '')
      throw new MusterFailure(
        musterError(
          'NotFound',
          `The output "${this.name}" of the step "${this.step.name}" is not written yet; wait for the run.`,
          { retryable: true },
        ),
      )
    const folder = resolve(localPath)
    await mkdir(folder, { recursive: true })
    const target = join(folder, basename(path))
    await copyFile(path, target)
    return target
  }
}
