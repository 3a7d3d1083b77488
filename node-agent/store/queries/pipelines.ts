import type { PipelineFold, ScheduleFold } from '#protocol/model/fold.ts'
import type { JobId, Millis, PipelineId } from '#protocol/model/ids.ts'
import type { PipelineRun, Schedule } from '#protocol/model/pipeline.ts'
import type { PipelineEnded, PipelineStepSkipped } from '#protocol/model/pipeline-records.ts'
import type { PipelineQuery } from '#agent/ports/views.ts'
import type { Db } from '../database.ts'
import { schedulePause } from '../fold/pipelines.ts'

/** Questions about pipeline runs and schedules. */
export interface PipelineQueries {
  readonly pipelines: (query: PipelineQuery) => readonly PipelineFold[]
  readonly pipeline: (pipeline: PipelineId) => PipelineFold | undefined
  readonly findPipelines: (prefix: string) => readonly PipelineId[]
  readonly jobsWithKey: (key: string) => readonly JobId[]
  readonly jobsOfStep: (of: { readonly run: string; readonly step: string }) => readonly JobId[]
  readonly schedules: () => readonly ScheduleFold[]
}

interface Submitted {
  readonly pipeline: PipelineId
  readonly submitter: string
  readonly body: string
}

const end = `EXISTS (SELECT 1 FROM pipeline_said AS said WHERE said.id = s.pipeline
  AND said.origin = s.submitter AND about = 'end')`

export const createPipelineQueries = (db: Db): PipelineQueries => {
  const select = 'SELECT s.pipeline, submitter, body FROM pipeline_submitted AS s'
  const newest = db.prepare<[number], Submitted>(
    `${select} ORDER BY submitted_at DESC, pipeline DESC LIMIT ?`,
  )
  const ofExperiment = db.prepare<[string, number], Submitted>(
    `${select} WHERE experiment = ? ORDER BY submitted_at DESC, pipeline DESC LIMIT ?`,
  )
  const open = db.prepare<[number], Submitted>(
    `${select} WHERE NOT ${end} ORDER BY submitted_at DESC, pipeline DESC LIMIT ?`,
  )
  const one = db.prepare<[string], Submitted>(`${select} WHERE s.pipeline = ?`)
  const find = db
    .prepare<[string, string], PipelineId>(
      `SELECT pipeline FROM pipeline_submitted WHERE pipeline >= ? AND pipeline < ?
       ORDER BY pipeline LIMIT 2`,
    )
    .pluck()
  const withKey = db
    .prepare<[string], JobId>(
      `SELECT name FROM job_submitted AS s JOIN job ON job.id = s.job
       WHERE json_extract(s.body, '$.reuse.key') = ? ORDER BY submitted_at DESC LIMIT 16`,
    )
    .pluck()
  const ofStep = db
    .prepare<[string, string], JobId>(
      `SELECT name FROM job_submitted AS s JOIN job ON job.id = s.job
       WHERE json_extract(s.body, '$.run.name') = ? AND json_extract(s.body, '$.run.step') = ?
       ORDER BY submitted_at DESC LIMIT 16`,
    )
    .pluck()
  const pauseOf = createPauseOf(db)
  const toFold = createToFold(db, pauseOf)
  return {
    pipelines: ({ limit, experiment, only }) => {
      if (only === 'open') return open.all(limit).map(toFold)
      return (
        experiment === undefined ? newest.all(limit) : ofExperiment.all(experiment, limit)
      ).map(toFold)
    },
    pipeline: (pipeline) => {
      const row = one.get(pipeline)
      return row === undefined ? undefined : toFold(row)
    },
    findPipelines: (prefix) => find.all(prefix, `${prefix}\u{10ffff}`),
    jobsWithKey: (key) => withKey.all(key),
    jobsOfStep: ({ run, step }) => ofStep.all(run, step),
    schedules: createSchedules(db, pauseOf),
  }
}

/** The last word on whether a run or a schedule is paused. */
type PauseOf = (about: string) => Pick<PipelineFold, 'pausedAt' | 'pauseClock'>

const createPauseOf = (db: Db): PauseOf => {
  const find = db.prepare<
    [string],
    { readonly clock: number; readonly paused: number; readonly at: Millis }
  >('SELECT clock, paused, at FROM pipeline_pause WHERE about = ?')
  return (about) => {
    const word = find.get(about)
    return { pausedAt: word?.paused === 1 ? word.at : null, pauseClock: word?.clock ?? 0 }
  }
}

const createToFold = (db: Db, pauseOf: PauseOf): ((row: Submitted) => PipelineFold) => {
  const said = db
    .prepare<[string, string], string>(
      'SELECT body FROM pipeline_said WHERE id = ? AND origin = ? ORDER BY about',
    )
    .pluck()
  const cancel = db
    .prepare<[string], number>('SELECT at FROM pipeline_cancel WHERE pipeline = ?')
    .pluck()
  const jobs = db
    .prepare<[string], JobId>(
      `SELECT name FROM job_submitted AS s JOIN job ON job.id = s.job
       WHERE json_extract(s.body, '$.run.pipeline') = ? ORDER BY submitted_at, name`,
    )
    .pluck()
  return ({ pipeline, submitter, body }) => {
    const words = said
      .all(pipeline, submitter)
      .map((json) => JSON.parse(json) as PipelineEnded | PipelineStepSkipped)
    return {
      run: JSON.parse(body) as PipelineRun,
      jobs: jobs.all(pipeline),
      skipped: words.flatMap((word) => (word.kind === 'pipeline-step-skipped' ? [word] : [])),
      cancelRequestedAt: cancel.get(pipeline) ?? null,
      ...pauseOf(pipeline),
      ended: words.find((word): word is PipelineEnded => word.kind === 'pipeline-ended') ?? null,
    }
  }
}

/** Of each submitter the newest of a name, unless its submitter removed it. */
const createSchedules = (db: Db, pauseOf: PauseOf): (() => readonly ScheduleFold[]) => {
  const set = db
    .prepare<[], string>(
      `SELECT json_extract(body, '$.schedule') FROM pipeline_said AS s WHERE about = 'set'
       AND NOT EXISTS (SELECT 1 FROM pipeline_said AS gone WHERE gone.id = s.id
         AND gone.origin = s.origin AND gone.about = 'removed')`,
    )
    .pluck()
  return () => {
    const newest = new Map<string, Schedule>()
    const all = set.all().map((body) => JSON.parse(body) as Schedule)
    for (const schedule of all.toSorted((a, b) => a.setAt - b.setAt || (a.id < b.id ? -1 : 1)))
      newest.set(`${schedule.submitter} ${schedule.name}`, schedule)
    return [...newest.values()]
      .toSorted((a, b) => (`${a.name} ${a.submitter}` < `${b.name} ${b.submitter}` ? -1 : 1))
      .map((schedule) => ({
        schedule,
        ...pauseOf(schedulePause(schedule.id, schedule.submitter)),
      }))
  }
}
