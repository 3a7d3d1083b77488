import { setTimeout as sleep } from 'node:timers/promises'
import type { PipelineView, StepView } from '#protocol/control/pipeline-views.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { checkOptions } from './check-options.ts'
import type { ParameterValues } from './parameter.ts'
import { StepRun } from './step-run.ts'
import type { Workspace } from './workspace.ts'

export interface WaitOptions {
  /** Print each step's progress as it changes. Default: false. */
  readonly showOutput?: boolean
  /** Ends the waiting, not the run. Default: none. */
  readonly timeoutSeconds?: number
  /** Throw if the run failed or was canceled. Default: true. */
  readonly raiseOnError?: boolean
}

export interface RunMetrics {
  /** Planned so far. */
  readonly items: number
  readonly itemsSucceeded: number
  readonly itemsFailed: number
  readonly miniBatches: number
  /** From submission to end; null before. */
  readonly seconds: number | null
}

const pollMs = 250
const ends: ReadonlySet<string> = new Set(['Completed', 'Failed', 'Canceled'])

/** A pipeline run: one or more steps that were submitted together. */
export class Run {
  readonly workspace: Workspace
  /** As it was when last asked. */
  view: PipelineView

  constructor(workspace: Workspace, view: PipelineView) {
    this.workspace = workspace
    this.view = view
  }

  static async get(workspace: Workspace, id: string): Promise<Run> {
    const query = { pipeline: id }
    return new Run(workspace, await workspace.connection.call('pipeline', { query }))
  }

  get id(): string {
    return this.view.id
  }

  /** Asks anew. */
  async refresh(): Promise<PipelineView> {
    const query = { pipeline: this.id }
    this.view = await this.workspace.connection.call('pipeline', { query })
    return this.view
  }

  async getStatus(): Promise<PipelineView['state']> {
    return (await this.refresh()).state
  }

  /** All that is known of it: parameters, origin, steps with their counts, when it ended and why. */
  getDetails(): Promise<PipelineView> {
    return this.refresh()
  }

  /** Its counts, all steps added up. */
  async getMetrics(): Promise<RunMetrics> {
    const { steps, submittedAt, endedAt } = await this.refresh()
    const sum = (field: 'items' | 'itemsSucceeded' | 'itemsFailed' | 'miniBatches') =>
      steps.reduce((all, step) => all + step[field], 0)
    return {
      items: sum('items'),
      itemsSucceeded: sum('itemsSucceeded'),
      itemsFailed: sum('itemsFailed'),
      miniBatches: sum('miniBatches'),
      seconds: endedAt === null ? null : (endedAt - submittedAt) / 1_000,
    }
  }

  /** An agent that starts anew meanwhile is waited for. @throws MusterFailure with the run's headline */
  async waitForCompletion(options: WaitOptions = {}): Promise<PipelineView['state']> {
    checkOptions('waitForCompletion', options, waitTable)
    const { showOutput = false, timeoutSeconds = Infinity, raiseOnError = true } = options
    const end = performance.now() + timeoutSeconds * 1_000
    const show = showOutput ? createShow() : () => {}
    for (;;) {
      const view = await this.refresh().catch(stillThere)
      if (view !== undefined) show(view)
      if (view !== undefined && ends.has(view.state)) {
        if (view.state !== 'Completed' && raiseOnError) throw failed(view)
        return view.state
      }
      if (performance.now() >= end) throw timedOut(this.view, timeoutSeconds)
      await sleep(pollMs)
    }
  }

  /** Steps of that name: one, or none. */
  findStepRun(name: string): readonly StepRun[] {
    return this.getSteps().filter((step) => step.name === name)
  }

  getSteps(): readonly StepRun[] {
    return this.view.steps.map(({ name }) => new StepRun(this, name))
  }

  /** Pauses its jobs, which costs no attempt, and starts no further step. */
  async pause(): Promise<void> {
    const query = { pipeline: this.id }
    this.view = await this.workspace.connection.call('pausePipeline', { query })
  }

  /** Lets it go on, with all of its paused jobs. */
  async resume(): Promise<void> {
    const query = { pipeline: this.id }
    this.view = await this.workspace.connection.call('resumePipeline', { query })
  }

  /** Cancels it with all of its jobs; rows so far stay. */
  async cancel(): Promise<void> {
    const query = { pipeline: this.id }
    this.view = await this.workspace.connection.call('cancelPipeline', { query })
  }

  /** The same pipeline with other parameters. */
  async resubmit(pipelineParameters: ParameterValues = {}): Promise<Run> {
    const view = await this.workspace.connection.call('resubmitPipeline', {
      query: { pipeline: this.id },
      body: { parameters: { ...pipelineParameters } },
    })
    return new Run(this.workspace, view)
  }
}

const waitTable = { showOutput: 'may', timeoutSeconds: 'may', raiseOnError: 'may' } as const

/** While an agent starts anew there is nobody to ask. */
const stillThere = (thrown: unknown): undefined => {
  const { code } = thrown instanceof MusterFailure ? thrown.error : { code: '' }
  if (['AgentNotRunning', 'AgentUnreachable', 'Unauthorized'].includes(code)) return undefined
  throw thrown
}

const createShow = () => {
  const said = new Map<string, string>()
  return ({ steps }: PipelineView): void => {
    for (const step of steps) {
      const words = stepWords(step)
      if (said.get(step.name) !== words) console.log(words)
      said.set(step.name, words)
    }
  }
}

const stepWords = ({ name, state, items, itemsSucceeded, itemsFailed, reason }: StepView): string =>
  [
    `${name}: ${state}`,
    ...(items === 0 ? [] : [`${itemsSucceeded + itemsFailed} of ${items} items`]),
    ...(itemsFailed === 0 ? [] : [`${itemsFailed} failed`]),
    ...(reason === '' ? [] : [reason]),
  ].join(', ')

const failed = ({ name, state, headline }: PipelineView): MusterFailure =>
  new MusterFailure(
    musterError('JobEnded', headline === '' ? `The run ${name} ended as ${state}.` : headline),
  )

const timedOut = ({ name, state }: PipelineView, seconds: number): MusterFailure =>
  new MusterFailure(
    musterError('TimedOut', `The run ${name} is still ${state} after ${seconds} s; it goes on.`, {
      retryable: true,
    }),
  )
