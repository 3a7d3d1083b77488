import { cp, mkdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { AnswerOf } from '#protocol/control/api.ts'
import type { JobDetailView } from '#protocol/control/job-views.ts'
import type { PipelineView, StepView } from '#protocol/control/pipeline-views.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
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
  getDetails(): Promise<JobDetailView> {
    const query = { job: this.jobId() }
    return this.run.workspace.connection.call('job', { query })
  }

  /** Why it is where it is, in sentences. */
  async explain(): Promise<readonly string[]> {
    const query = { job: this.jobId() }
    return (await this.run.workspace.connection.call('explain', { query })).lines
  }

  /** Overview of its run, and which logs of its worker processes there are. */
  getLogs(): Promise<AnswerOf<'jobLogs'>> {
    const query = { job: this.jobId() }
    return this.run.workspace.connection.call('jobLogs', { query })
  }

  /** Stops the work on its job until it is resumed; that costs no attempt. */
  async pause(): Promise<void> {
    await this.change('pauseJob')
  }

  async resume(): Promise<void> {
    await this.change('resumeJob')
  }

  /** Cancels its job; rows so far stay. */
  async cancel(): Promise<void> {
    await this.change('cancelJob')
  }

  /** Its rows, in the order of its input. */
  results(): Results {
    return new Results(this.run.workspace, this.jobId())
  }

  /** Its output by name: what the step was given as `output`. @throws MusterFailure `NotFound` */
  getOutputData(name: string): OutputData {
    const { outputName } = this.view
    if (name === outputName) return new OutputData(this, name)
    throw new MusterFailure(
      musterError(
        'NotFound',
        `The step "${this.name}" has no output "${name}"; its output is "${outputName}".`,
      ),
    )
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

  private async change(call: 'pauseJob' | 'resumeJob' | 'cancelJob'): Promise<void> {
    await this.run.workspace.connection.call(call, { query: { job: this.jobId() } })
    await this.run.refresh()
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

/** The file with a step's rows, or the folder of the files that its script left. */
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

  /** Copies it into a folder, which is made if need be. Answers its path there. */
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
    await cp(path, target, { recursive: true }).catch((thrown: unknown) => {
      throw new MusterFailure(notCopied(this, target, thrownToText(thrown)))
    })
    return target
  }
}

const notCopied = ({ step, name, path }: OutputData, target: string, detail: string) =>
  musterError(
    'NotFound',
    `The output "${name}" of the step "${step.name}" could not be copied from ${path} on ${step.run.view.submitterName} to ${target}; run this on that machine, or read the rows with results().`,
    { detail },
  )
