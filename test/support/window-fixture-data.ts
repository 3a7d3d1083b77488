import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import { createJobFileReader } from '#agent/data/job-file/job-file.ts'
import { createCheckFile } from '#agent/effects/submit/check-file.ts'
import { createTimetable } from '#agent/schedule/timetable.ts'
import type { DatasetView, DatastoreView } from '#protocol/control/registry-views.ts'
import type { JobView } from '#protocol/control/job-views.ts'
import type { ModelView } from '#protocol/control/views.ts'
import { musterError } from '#protocol/errors.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import { makeDataset, makeDatastore, makeJob, makeModel } from './control-views.ts'
import { makeStepView } from './run-fixture.ts'
import { makeRunView } from './window-runs.ts'

export interface FakeData {
  readonly commands: { name: string; query: unknown; body: unknown }[]
  readonly tellJob: (job: JobView) => void
  readonly tellModel: (model: ModelView) => void
}

type DataHandlers = Pick<
  ControlHandlers,
  | 'datasets'
  | 'datastores'
  | 'registerDataset'
  | 'registerDatastore'
  | 'removeDatastore'
  | 'previewData'
  | 'checkFile'
  | 'tryJob'
  | 'registerModel'
  | 'submitPipeline'
>

/** Everything lies in these places. */
export const madeUpPlaces = { pictures: '/home/anna/digits', table: '/home/anna/sales.csv' }

/** Looks at data that is made up; files are read by the agent's own rules. */
export const dataHandlers = ({ commands, tellJob, tellModel }: FakeData): DataHandlers => {
  let datasets: readonly DatasetView[] = [makeDataset('july', 2), makeDataset('july', 1)]
  let datastores: readonly DatastoreView[] = [
    makeDatastore('default', '/home/anna/.muster/data'),
    makeDatastore('scans', '/home/anna/scans'),
    makeDatastore('archive', 'pictures', 'office'),
  ]
  const check = createCheckFile({
    jobFiles: createJobFileReader(),
    timetable: createTimetable(),
    known: async () => ({
      self: asPeerId('peer-0'),
      nameOf: () => 'anna',
      datastores: [],
      datasets: [],
      pools: [],
    }),
  })
  return {
    datasets: async () => ok({ datasets: [...datasets] }),
    datastores: async () => ok({ datastores: [...datastores] }),
    registerDataset: async ({ body }) => {
      commands.push({ name: 'registerDataset', query: {}, body })
      if (body.path.endsWith('missing'))
        return err(musterError('InputMissing', `There is no folder ${body.path}; check the path.`))
      const dataset = { ...makeDataset(body.name, 1), path: body.path, type: body.type ?? 'file' }
      datasets = [dataset, ...datasets]
      return ok(dataset)
    },
    registerDatastore: async ({ body }) => {
      commands.push({ name: 'registerDatastore', query: {}, body })
      const datastore = makeDatastore(body.name, body.path, body.share)
      datastores = [...datastores, datastore]
      return ok(datastore)
    },
    removeDatastore: async ({ query }) => {
      commands.push({ name: 'removeDatastore', query, body: {} })
      datastores = datastores.filter(({ name }) => name !== query.datastore)
      return ok({ done: true as const })
    },
    previewData: async ({ body }) => previewOf(body.input),
    checkFile: async ({ body: { text, file, parameters = {}, overrides = {} } }) =>
      check({ text, file, parameters, overrides }),
    tryJob: async ({ body }) => {
      commands.push({ name: 'tryJob', query: {}, body })
      const width = Number(/width: (\d+)/.exec(body.text)?.[1] ?? 28)
      return ok({
        step: 'digits',
        rows: [7, 2, 1, 0, 4].map((digit, item) => ({
          item,
          name: fileName(item),
          value:
            item === 3 ? null : { item: fileName(item), prediction: String(digit), score: 0.99812 },
          failure:
            item === 3 ? 'The file is no image: its first bytes are those of no known format.' : '',
        })),
        files: [],
        problem: width === 28 ? '' : `The model wants 28 pixels, but the file says ${width}.`,
        runMs: 41.5,
        warnings: [],
      })
    },
    registerModel: async ({ body }) => {
      commands.push({ name: 'registerModel', query: {}, body })
      if (!body.path.endsWith('.onnx'))
        return err(
          musterError('ModelBroken', `${body.path} is no ONNX model; choose another file.`),
        )
      const model = { ...makeModel(body.name, 1), registeredBy: 'peer-0', registeredAt: Date.now() }
      tellModel(model)
      return ok(model)
    },
    submitPipeline: async ({ body }) => {
      commands.push({ name: 'submitPipeline', query: {}, body })
      const name = /^name: (.*)$/m.exec(body.text)?.[1] ?? 'job'
      if (name === 'taken')
        return err(
          musterError('JobFileInvalid', '"name" is taken by a job of today; choose another.'),
        )
      const job = makeJob('01KA0SUBMITTED000000000000', { name, submittedAt: Date.now() })
      tellJob(job)
      const pipeline = makeRunView('p1KA0SUBMITTED00000000000', {
        name,
        steps: [makeStepView(name, { job: job.id })],
        submittedAt: Date.now(),
        endedAt: null,
      })
      return ok({ pipeline, schedule: null, warnings: [] })
    },
  }
}

const fileName = (item: number): string => `${String(item).padStart(5, '0')}.png`

const previewOf = (input: unknown) => {
  const place = typeof input === 'string' ? { path: input } : (input as Record<string, unknown>)
  if (place['dataset'] === 'july' || place['path'] === madeUpPlaces.pictures) {
    const files = Array.from({ length: 8 }, (_, item) => ({
      name: fileName(item),
      bytes: 320 + item,
      modifiedAt: 0,
    }))
    return ok({ kind: 'files' as const, files, columns: [], rows: [], more: true })
  }
  if (place['path'] === madeUpPlaces.table)
    return ok({
      kind: 'table' as const,
      files: [{ name: 'sales.csv', bytes: 4_000, modifiedAt: 0 }],
      columns: ['shop', 'day', 'sold'],
      rows: [
        {
          name: 'sales.csv#1',
          value: { shop: 'north', day: '2026-11-01', sold: '3' },
          problem: '',
        },
        { name: 'sales.csv#2', value: null, problem: 'has 2 fields in place of 3' },
        {
          name: 'sales.csv#3',
          value: { shop: 'south', day: '2026-11-01', sold: '5' },
          problem: '',
        },
      ],
      more: true,
    })
  return err(
    musterError('InputMissing', `There is no folder ${String(place['path'])}; check the path.`),
  )
}
