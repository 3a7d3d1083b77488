import type { RecordBody } from '#protocol/model/record.ts'
import type { Db } from '../database.ts'
import type { Ranks, StoredRecord } from './ranks.ts'

/** The records that speak of pipeline runs and schedules. */
export type PipelineRecordBody = Extract<
  RecordBody,
  {
    readonly kind:
      | 'pipeline-submitted'
      | 'pipeline-step-skipped'
      | 'pipeline-cancel-requested'
      | 'pipeline-pause-changed'
      | 'pipeline-ended'
      | 'schedule-set'
      | 'schedule-removed'
      | 'schedule-pause-changed'
  }
>

/**
 * Runs and schedules. Who submitted one may not be known yet when another record speaks of it, so what only
 * the submitter may say is kept by origin and judged when it is read.
 */
export const createPipelineFold = (
  db: Db,
  ranks: Ranks,
): ((record: StoredRecord, body: PipelineRecordBody) => void) => {
  const submit = createSubmit(db, ranks)
  const say = createSay(db, ranks)
  const pause = createPause(db, ranks)
  const cancel = db.prepare(
    'INSERT INTO pipeline_cancel VALUES (?, ?) ON CONFLICT DO UPDATE SET at = min(at, excluded.at)',
  )
  return (record, body) => {
    switch (body.kind) {
      case 'pipeline-submitted':
        return submit(record, body.run)
      case 'pipeline-step-skipped':
        return say(record, { id: body.pipeline, about: `step ${body.step}`, body })
      case 'pipeline-ended':
        return say(record, { id: body.pipeline, about: 'end', body })
      case 'pipeline-cancel-requested':
        cancel.run(body.pipeline, body.at)
        return undefined
      case 'pipeline-pause-changed':
        return pause(record, body.pipeline, body)
      case 'schedule-set':
        if (body.schedule.submitter === record.origin)
          say(record, { id: body.schedule.id, about: 'set', body })
        return undefined
      case 'schedule-removed':
        return say(record, { id: body.schedule, about: 'removed', body })
      case 'schedule-pause-changed':
        return pause(record, schedulePause(body.schedule, record.origin), body)
    }
  }
}

const createSubmit = (db: Db, ranks: Ranks) => {
  const find = db.prepare<[string], { readonly record: number; readonly submitted_at: number }>(
    'SELECT record, submitted_at FROM pipeline_submitted WHERE pipeline = ?',
  )
  const put = db.prepare('INSERT OR REPLACE INTO pipeline_submitted VALUES (?, ?, ?, ?, ?, ?)')
  return (
    record: StoredRecord,
    run: Extract<RecordBody, { kind: 'pipeline-submitted' }>['run'],
  ): void => {
    if (run.submitter !== record.origin) return
    const known = find.get(run.id)
    const isFirst =
      known === undefined ||
      run.submittedAt < known.submitted_at ||
      (run.submittedAt === known.submitted_at && ranks.isBefore(record, known.record))
    if (!isFirst) return
    const { id, submittedAt, experiment, submitter } = run
    put.run(id, record.id, submittedAt, experiment, submitter, JSON.stringify(run))
  }
}

/** By what the pause of a schedule is found: only its submitter's words count. */
export const schedulePause = (schedule: string, origin: string): string => `${schedule} ${origin}`

/** The last word by (clock, origin, sequence). */
const createPause = (db: Db, ranks: Ranks) => {
  const find = db.prepare<[string], { readonly record: number; readonly clock: number }>(
    'SELECT record, clock FROM pipeline_pause WHERE about = ?',
  )
  const put = db.prepare('INSERT OR REPLACE INTO pipeline_pause VALUES (?, ?, ?, ?, ?)')
  return (
    record: StoredRecord,
    about: string,
    {
      clock,
      paused,
      at,
    }: { readonly clock: number; readonly paused: boolean; readonly at: number },
  ): void => {
    const known = find.get(about)
    const isLast =
      known === undefined ||
      clock > known.clock ||
      (clock === known.clock && !ranks.isBefore(record, known.record))
    if (isLast) put.run(about, record.id, clock, paused ? 1 : 0, at)
  }
}

/** Of what one origin says of one thing, the first counts. */
const createSay = (db: Db, ranks: Ranks) => {
  const find = db
    .prepare<[string, string, string], number>(
      'SELECT record FROM pipeline_said WHERE id = ? AND origin = ? AND about = ?',
    )
    .pluck()
  const put = db.prepare('INSERT OR REPLACE INTO pipeline_said VALUES (?, ?, ?, ?, ?)')
  return (
    record: StoredRecord,
    said: { readonly id: string; readonly about: string; readonly body: PipelineRecordBody },
  ): void => {
    const known = find.get(said.id, record.origin, said.about)
    if (known !== undefined && !ranks.isBefore(record, known)) return
    put.run(said.id, record.origin, said.about, record.id, JSON.stringify(said.body))
  }
}
