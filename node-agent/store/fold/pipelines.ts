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
      | 'pipeline-ended'
      | 'schedule-set'
      | 'schedule-removed'
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
      case 'schedule-set':
        if (body.schedule.submitter === record.origin)
          say(record, { id: body.schedule.id, about: 'set', body })
        return undefined
      case 'schedule-removed':
        return say(record, { id: body.schedule, about: 'removed', body })
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
