import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { ScheduleView } from '#protocol/control/pipeline-views.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { checkInstance, checkOptions, refused } from './check-options.ts'
import type { OptionTable } from './check-options.ts'
import type { ParameterValues } from './parameter.ts'
import { Pipeline, submission } from './pipeline.ts'
import type { PipelineFile } from './pipeline-file.ts'
import type { Workspace } from './workspace.ts'

/** When a pipeline is run again and again: either `cron` or `watch`. */
export interface ScheduleOptions {
  /** Name under which its runs are kept. Default: the pipeline's name. */
  readonly experimentName?: string
  /** Five fields, such as `0 6 * * 1-5`, or six with seconds in front. */
  readonly cron?: string
  /** Such as `Europe/Vienna`. Default: that of the agent's machine. */
  readonly timezone?: string
  /** A folder: a run starts when files in it came, went or changed. */
  readonly watch?: string
  /** Which of its files count. Default: all. */
  readonly pattern?: string
  /** Seconds without a further change before a run starts. Default: 10. */
  readonly quiet?: number
  /** Start a run even while the one before still runs. Default: false. */
  readonly overlap?: boolean
  readonly pipelineParameters?: ParameterValues
}

/** A pipeline that the agent submits again and again, also after it was restarted. */
export class Schedule {
  readonly workspace: Workspace
  /** As it was when last asked. */
  view: ScheduleView

  private constructor(workspace: Workspace, view: ScheduleView) {
    this.workspace = workspace
    this.view = view
  }

  get name(): string {
    return this.view.name
  }

  /** Sets the schedule of a pipeline, in place of an earlier one of its name. */
  static async create(pipeline: Pipeline, options: ScheduleOptions): Promise<Schedule> {
    checkInstance('What is scheduled', pipeline, Pipeline, 'a Pipeline')
    checkOptions('Schedule.create', options, optionTable)
    const { experimentName, pipelineParameters } = options
    const body = await submission(pipeline, {
      schedule: scheduleFields(options),
      ...(experimentName === undefined ? {} : { experiment: experimentName }),
    })
    const { schedule } = await pipeline.workspace.connection.call('submitPipeline', {
      body: { ...body, submissionId: randomUUID(), parameters: { ...pipelineParameters } },
    })
    if (schedule !== null) return new Schedule(pipeline.workspace, schedule)
    throw new MusterFailure(musterError('Internal', 'The agent ran what was to be scheduled.'))
  }

  static async list(workspace: Workspace): Promise<readonly Schedule[]> {
    const { schedules } = await workspace.connection.call('schedules')
    return schedules.map((view) => new Schedule(workspace, view))
  }

  /** By its name or id. @throws MusterFailure `NotFound` */
  static async get(workspace: Workspace, name: string): Promise<Schedule> {
    const found = (await Schedule.list(workspace)).find(
      ({ view }) => view.id === name || view.name === name,
    )
    if (found !== undefined) return found
    const sentence = `There is no schedule "${name}"; Schedule.list(workspace) gives all of them.`
    throw new MusterFailure(musterError('NotFound', sentence))
  }

  /** Starts no runs until it is resumed; runs that have begun go on. */
  async pause(): Promise<void> {
    const query = { schedule: this.view.id }
    this.view = await this.workspace.connection.call('pauseSchedule', { query })
  }

  /** Goes on; times that went by are not made up for. */
  async resume(): Promise<void> {
    const query = { schedule: this.view.id }
    this.view = await this.workspace.connection.call('resumeSchedule', { query })
  }

  /** Ends it; runs that have begun go on. */
  async remove(): Promise<void> {
    await this.workspace.connection.call('removeSchedule', { query: { schedule: this.view.id } })
  }
}

const optionTable: OptionTable<ScheduleOptions> = {
  experimentName: 'may',
  cron: 'may',
  timezone: 'may',
  watch: 'may',
  pattern: 'may',
  quiet: 'may',
  overlap: 'may',
  pipelineParameters: 'may',
}

const scheduleFields = (options: ScheduleOptions): PipelineFile => {
  const { cron, timezone, watch, pattern, quiet, overlap } = options
  if ((cron === undefined) === (watch === undefined))
    throw refused('A schedule has either a time (cron) or a folder (watch); give one of them.')
  return {
    ...(cron === undefined ? {} : { cron }),
    ...(timezone === undefined ? {} : { timezone }),
    ...(watch === undefined ? {} : { watch: resolve(watch) }),
    ...(pattern === undefined ? {} : { pattern }),
    ...(quiet === undefined ? {} : { quiet }),
    ...(overlap === undefined ? {} : { overlap }),
  }
}
