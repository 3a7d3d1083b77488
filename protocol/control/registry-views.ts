import { z } from 'zod'
import { errorView } from './views.ts'
import { tags, text, time } from './view-fields.ts'

/** Datastores and datasets as the control API shows them. Frozen like the other views. */

const registered = {
  name: text,
  version: z.int().min(1),
  description: text,
  tags,
  registeredBy: text,
  registeredByName: text,
  registeredAt: time,
}

const place = {
  share: text.describe('Share it lies in; empty for a folder of one machine'),
  peer: text.describe('The machine that holds the folder; empty for a share'),
  peerName: text,
}

export const datastoreView = z.object({
  ...registered,
  kind: z.enum(['folder', 'share']),
  path: text.describe('Absolute folder on that machine, or the place below the share'),
  ...place,
  isDefault: z.boolean().describe('The one that is always there, in the home of this agent'),
})
export type DatastoreView = z.infer<typeof datastoreView>

export const datasetView = z.object({
  ...registered,
  type: z.enum(['file', 'table']),
  datastore: text.describe('Datastore it lies in; empty for a place of its own'),
  path: text.describe('Absolute folder, or the place below the share or the datastore'),
  ...place,
  patterns: z.array(text).describe('Globs below the path'),
  options: z
    .record(text, z.union([text, z.number(), z.boolean()]))
    .describe('Fields of an input in a job file, such as format or delimiter'),
})
export type DatasetView = z.infer<typeof datasetView>

export const previewView = z.object({
  kind: z.enum(['files', 'table']),
  files: z
    .array(z.object({ name: text, bytes: z.number(), modifiedAt: z.number() }))
    .describe('The first files in plan order, named below the folder'),
  columns: z.array(text).describe('Columns of a table; empty for files'),
  rows: z
    .array(
      z.object({
        name: text.describe('File and number of the record'),
        value: z.record(text, z.unknown()).nullable().describe('Null for a broken record'),
        problem: text.describe('What is wrong with a broken record; empty otherwise'),
      }),
    )
    .describe('The first records of a table; empty for files'),
  more: z.boolean().describe('Whether there are more files or records'),
})
export type PreviewView = z.infer<typeof previewView>

export const checkedView = z.object({
  kind: z
    .enum(['job', 'pipeline', 'azure'])
    .describe('A job file, a pipeline file, or a file of Azure ML'),
  fields: z.record(text, z.unknown()).describe('The file as it is written, as JSON'),
  steps: z.array(text).describe('Names of its steps; empty if something is wrong with it'),
  warnings: z.array(text).describe('What of the file has no effect here'),
  problem: errorView.nullable().describe('The first thing that is wrong; null if nothing is'),
})
export type CheckedView = z.infer<typeof checkedView>

export const triedView = z.object({
  step: text.describe('Step of the file that was tried'),
  rows: z.array(
    z.object({
      item: z.int().min(0),
      name: text,
      value: z.unknown().describe('The row as the job returned it; null for a failed item'),
      failure: text.describe('Why there is no row; empty otherwise'),
    }),
  ),
  files: z.array(text).describe('Files that the script left'),
  problem: text.describe('Why none of the items could be run; empty otherwise'),
  runMs: z.number(),
  warnings: z.array(text).describe('What of the file has no effect here'),
})
