import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import { makeDataset, makeDatastore } from './control-views.ts'

const unknownData = (kind: string, name: string): MusterError =>
  musterError('DataUnknown', `No ${kind} "${name}" is registered; there are scans.`)

export const registryHandlers = {
  registerDatastore: async ({ body }) =>
    body.name === 'taken' && body.overwrite !== true
      ? err(musterError('NameTaken', 'The datastore "taken" is /old on anna already.'))
      : ok(makeDatastore(body.name, body.path, body.share)),
  datastores: async () => ok({ datastores: [makeDatastore('default', '/home/datastore')] }),
  datastore: async ({ query }) =>
    query.datastore === 'scans'
      ? ok(makeDatastore('scans', '/data/scans'))
      : err(unknownData('datastore', query.datastore)),
  removeDatastore: async ({ query }) =>
    query.datastore === 'scans'
      ? ok({ done: true as const })
      : err(unknownData('datastore', query.datastore)),
  registerDataset: async ({ body }) =>
    ok({
      ...makeDataset(body.name, 1),
      type: body.type ?? 'file',
      ...(body.patterns === undefined ? {} : { patterns: body.patterns }),
      options: body.options ?? {},
    }),
  datasets: async () => ok({ datasets: [makeDataset('july', 2), makeDataset('july', 1)] }),
  dataset: async ({ query }) =>
    query.dataset.startsWith('july')
      ? ok(makeDataset('july', Number(query.dataset.split(':')[1] ?? 2)))
      : err(unknownData('dataset', query.dataset)),
  previewData: async ({ body }) =>
    typeof body.input !== 'string' && body.input['type'] === 'table'
      ? ok({
          kind: 'table' as const,
          files: [],
          columns: ['shop', 'sold'],
          rows: [
            { name: 'a.csv#1', value: { shop: 'north', sold: 3 }, problem: '' },
            { name: 'a.csv#2', value: null, problem: 'has 3 fields' },
          ],
          more: true,
        })
      : ok({
          kind: 'files' as const,
          files: [{ name: 'a.png', bytes: 1_000, modifiedAt: 1_700_000_000_000 }],
          columns: [],
          rows: [],
          more: false,
        }),
  checkFile: async ({ body }) =>
    ok({
      kind: 'job' as const,
      fields: { name: 'digits' },
      steps: body.parameters === undefined ? ['digits'] : [],
      warnings: [],
      problem:
        body.parameters === undefined
          ? null
          : {
              code: 'JobFileInvalid',
              message: 'The file has no parameter "size": it has none.',
              retryable: false,
            },
    }),
  tryJob: async ({ body }) =>
    ok({
      step: 'digits',
      rows: [
        { item: 0, name: 'a.png', value: { digit: 3 }, failure: '' },
        { item: 1, name: 'b.png', value: { digit: 4 }, failure: '' },
      ],
      files: [],
      problem: body.count === 1 ? 'run() threw: Error: no digit.' : '',
      runMs: 12,
      warnings: ['"compute" (job.yaml:1:1) has no effect: none.'],
    }),
} satisfies Partial<ControlHandlers>
