import { z } from 'zod'
import { limits } from '../limits.ts'
import { done, endpoint, none } from './endpoint.ts'
import {
  checkedView,
  datasetView,
  datastoreView,
  previewView,
  triedView,
} from './registry-views.ts'

const path = z.string().min(1).max(limits.itemNameBytes)
const values = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
const words = {
  description: z.string().max(16_384).optional(),
  tags: z.record(z.string(), z.string()).optional(),
}

/** Calls about datastores and datasets, and looks at what a job would do with them. */
export const registryApi = {
  registerDatastore: endpoint({
    method: 'POST',
    path: '/api/v1/datastores',
    summary: 'Names a folder of this machine, or a place in a share; moves nothing.',
    query: none,
    body: z.object({
      name: z.string().min(1).max(limits.memberNameLength),
      path: path.describe('Absolute folder on this machine, or the place below the share'),
      share: z.string().min(1).max(limits.memberNameLength).optional(),
      overwrite: z.boolean().optional().describe('Whether a taken name gets a new version'),
      ...words,
    }),
    answer: datastoreView,
  }),
  datastores: endpoint({
    method: 'GET',
    path: '/api/v1/datastores',
    summary: 'Datastores by name, the default one first.',
    query: none,
    body: none,
    answer: z.object({ datastores: z.array(datastoreView) }),
  }),
  datastore: endpoint({
    method: 'GET',
    path: '/api/v1/datastores/:datastore',
    summary: 'One datastore.',
    query: z.object({ datastore: z.string().min(1).max(128) }),
    body: none,
    answer: datastoreView,
  }),
  removeDatastore: endpoint({
    method: 'DELETE',
    path: '/api/v1/datastores/:datastore',
    summary: 'Takes a name back; the files stay.',
    query: z.object({ datastore: z.string().min(1).max(128) }),
    body: none,
    answer: done,
  }),
  registerDataset: endpoint({
    method: 'POST',
    path: '/api/v1/datasets',
    summary: 'Names a choice of files or tables; the same name gets the next version.',
    query: none,
    body: z.object({
      name: z.string().min(1).max(limits.memberNameLength),
      type: z.enum(['file', 'table']).optional().describe('Default: file'),
      path: path.describe(
        'Absolute folder on this machine, or the place below the share or the datastore',
      ),
      share: z.string().min(1).max(limits.memberNameLength).optional(),
      datastore: z.string().min(1).max(limits.memberNameLength).optional(),
      patterns: z.array(path).min(1).max(1_024).optional().describe('Default: all files'),
      options: z
        .record(z.string().max(64), z.union([z.string().max(4_096), z.number(), z.boolean()]))
        .optional()
        .describe('Fields of an input in a job file, such as format or delimiter'),
      validate: z.boolean().optional().describe('Whether its files are looked for now'),
      ...words,
    }),
    answer: datasetView,
  }),
  datasets: endpoint({
    method: 'GET',
    path: '/api/v1/datasets',
    summary: 'Registered datasets by name, newest version first.',
    query: none,
    body: none,
    answer: z.object({ datasets: z.array(datasetView) }),
  }),
  dataset: endpoint({
    method: 'GET',
    path: '/api/v1/datasets/:dataset',
    summary: 'One dataset: `name` (newest) or `name:version`.',
    query: z.object({ dataset: z.string().min(1).max(128) }),
    body: none,
    answer: datasetView,
  }),
  previewData: endpoint({
    method: 'POST',
    path: '/api/v1/data/preview',
    summary: 'The first files, or the first rows of a table, of what an input of a job would be.',
    query: none,
    body: z.object({
      input: z
        .union([path, z.record(z.string().max(64), z.unknown())])
        .describe('As an input of a job file: an absolute path, or a map with path or dataset'),
      count: z.int().min(1).max(limits.previewItems).optional().describe('Default: 10'),
    }),
    answer: previewView,
  }),
  checkFile: endpoint({
    method: 'POST',
    path: '/api/v1/check-file',
    summary: 'Reads a job or pipeline file and says what is wrong with it; nothing is recorded.',
    query: none,
    body: z.object({
      text: z.string().max(1_048_576).describe('The YAML'),
      file: z.string().max(4_096).describe('Its absolute path: relative ones start at its folder'),
      overrides: values.optional().describe('Fields of the file set from the command line'),
      parameters: values.optional().describe('Values of its parameters'),
    }),
    answer: checkedView,
  }),
  tryJob: endpoint({
    method: 'POST',
    path: '/api/v1/try-job',
    summary: 'Runs the first items of a job file on this machine; nothing is recorded.',
    query: none,
    body: z.object({
      text: z.string().max(1_048_576).describe('The YAML'),
      file: z.string().max(4_096).describe('Its absolute path: relative ones start at its folder'),
      overrides: values.optional().describe('Fields of the file set from the command line'),
      parameters: values.optional().describe('Values of its parameters'),
      step: z.string().max(32).optional().describe('Step of a pipeline. Default: the first'),
      count: z.int().min(1).max(limits.tryItems).optional().describe('Items. Default: 5'),
    }),
    answer: triedView,
  }),
} as const
