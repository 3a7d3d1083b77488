import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import type { Preview } from '#agent/ports/data.ts'
import type { Views } from '#agent/ports/views.ts'
import type { registryApi } from '#protocol/control/registry-api.ts'
import type { DatasetView, DatastoreView, PreviewView } from '#protocol/control/registry-views.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import { defaultDatastore } from '#protocol/model/registry.ts'
import type { Dataset, Datastore } from '#protocol/model/registry.ts'
import { ok } from '#protocol/model/result.ts'
import type { CheckFile } from '../../submit/check-file.ts'
import type { PreviewData } from '../../submit/preview.ts'
import type { Registry } from '../registry/registry.ts'
import type { TryJob } from '../../submit/try-job.ts'

type LookCall = 'checkFile' | 'previewData' | 'tryJob'
type RegistryCall = Exclude<keyof typeof registryApi, LookCall>

export interface LookHandlerDeps {
  readonly checkFile: CheckFile
  readonly previewData: PreviewData
  readonly tryJob: TryJob
}

export interface RegistryHandlerDeps {
  readonly registry: Registry
  readonly views: Views
  readonly nameOf: (peer: PeerId) => string
}

/** The control API's calls about datastores and datasets. */
export const registryHandlers = ({
  registry,
  views,
  nameOf,
}: RegistryHandlerDeps): Pick<ControlHandlers, RegistryCall> => ({
  registerDatastore: async ({ body }) => {
    const { share, description = '', tags = {}, overwrite = false } = body
    const wish = { name: body.name, path: body.path, description, tags, overwrite }
    const done = await registry.registerDatastore(share === undefined ? wish : { ...wish, share })
    return done.ok ? ok(datastoreToView(done.value, nameOf)) : done
  },
  datastores: async () => {
    const all = await registry.datastores()
    return ok({ datastores: all.map((one) => datastoreToView(one, nameOf)) })
  },
  datastore: async ({ query }) => {
    const found = await registry.datastore(query.datastore)
    return found.ok ? ok(datastoreToView(found.value, nameOf)) : found
  },
  removeDatastore: async ({ query }) => {
    const removed = await registry.removeDatastore(query.datastore)
    return removed.ok ? ok({ done: true }) : removed
  },
  registerDataset: async ({ body }) => {
    const { share, datastore, patterns } = body
    const done = await registry.registerDataset({
      name: body.name,
      type: body.type ?? 'file',
      path: body.path,
      ...(share === undefined ? {} : { share }),
      ...(datastore === undefined ? {} : { datastore }),
      ...(patterns === undefined ? {} : { patterns }),
      options: body.options ?? {},
      validate: body.validate ?? false,
      description: body.description ?? '',
      tags: body.tags ?? {},
    })
    return done.ok ? ok(datasetToView(done.value, nameOf)) : done
  },
  datasets: async () => {
    const all = await views.datasets()
    return ok({ datasets: all.map((one) => datasetToView(one, nameOf)) })
  },
  dataset: async ({ query }) => {
    const found = await registry.dataset(query.dataset)
    return found.ok ? ok(datasetToView(found.value, nameOf)) : found
  },
})

/** Looks at what a job would do with data. */
export const lookHandlers = ({
  checkFile,
  previewData,
  tryJob,
}: LookHandlerDeps): Pick<ControlHandlers, LookCall> => ({
  checkFile: ({ body: { text, file, overrides = {}, parameters = {} } }) =>
    checkFile({ text, file, overrides, parameters }),
  previewData: async ({ body, signal }) => {
    const found = await previewData(body.input, body.count ?? 10, signal)
    return found.ok ? ok(previewToView(found.value)) : found
  },
  tryJob: async ({ body, signal }) => {
    const { text, file, overrides = {}, parameters = {}, step, count = 5 } = body
    const tried = await tryJob({ text, file, overrides, parameters, step, count }, signal)
    if (!tried.ok) return tried
    const { rows, files, warnings, ...rest } = tried.value
    return ok({
      ...rest,
      rows: rows.map((row) => ({
        ...row,
        value: row.value === null ? null : JSON.parse(row.value),
      })),
      files: [...files],
      warnings: [...warnings],
    })
  },
})

type NameOf = RegistryHandlerDeps['nameOf']

const registeredView = (thing: Datastore | Dataset, nameOf: NameOf) => ({
  name: thing.name,
  version: thing.version,
  description: thing.description,
  tags: { ...thing.tags },
  registeredBy: thing.registeredBy,
  registeredByName: nameOf(thing.registeredBy),
  registeredAt: thing.registeredAt,
})

const datastoreToView = (datastore: Datastore, nameOf: NameOf): DatastoreView => ({
  ...registeredView(datastore, nameOf),
  kind: datastore.place.kind,
  ...placeToView(datastore.place, nameOf),
  isDefault: datastore.name === defaultDatastore,
})

const datasetToView = (dataset: Dataset, nameOf: NameOf): DatasetView => ({
  ...registeredView(dataset, nameOf),
  type: dataset.type,
  datastore: dataset.source.kind === 'datastore' ? dataset.source.datastore : '',
  ...placeToView(dataset.source, nameOf),
  patterns: [...dataset.patterns],
  options: { ...dataset.options },
})

const placeToView = (place: Dataset['source'], nameOf: NameOf) => ({
  path: place.path,
  share: place.kind === 'share' ? place.share : '',
  peer: place.kind === 'folder' ? place.peer : '',
  peerName: place.kind === 'folder' ? nameOf(place.peer) : '',
})

const previewToView = (preview: Preview): PreviewView => ({
  kind: preview.kind,
  files: preview.files.map(({ name, bytes, modifiedMs }) => ({
    name,
    bytes,
    modifiedAt: modifiedMs,
  })),
  columns: preview.kind === 'table' ? [...preview.columns] : [],
  rows:
    preview.kind === 'table'
      ? preview.rows.map((row) => ({ ...row, value: row.value && { ...row.value } }))
      : [],
  more: preview.more,
})
