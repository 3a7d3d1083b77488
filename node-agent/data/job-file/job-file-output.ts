import { extname } from 'node:path'
import type { JobSpecBase } from '#protocol/model/job.ts'
import { ok } from '#protocol/model/result.ts'
import { jobDefaults } from '#protocol/spec/job-file.ts'
import type { JobFileFields } from '#protocol/spec/job-file.ts'
import { fault } from './job-file-part.ts'
import type { Part, ResolvePath } from './job-file-part.ts'

/** What a spec says about its output. */
export type OutputPart = Pick<
  JobSpecBase,
  'outputFileName' | 'outputDelimiter' | 'outputHeader' | 'outputPlace'
>

export const outputOf = (fields: JobFileFields, resolvePath: ResolvePath): Part<OutputPart> => {
  const outputFileName = fields.append_row_file_name ?? jobDefaults.outputFileName
  const { append_row_delimiter: delimiter, append_row_header: header } = fields
  const ending = extname(outputFileName).toLowerCase()
  const isText = ending !== '.jsonl' && ending !== '.parquet'
  for (const field of ['append_row_delimiter', 'append_row_header'] as const)
    if (!isText && fields[field] !== undefined)
      return fault([field], `"${field}" is for files with columns of text, but ${ending} has none`)
  if (header !== undefined && delimiter === undefined && ending !== '.csv' && ending !== '.tsv')
    return fault(
      ['append_row_header'],
      '"append_row_header" needs columns: give "append_row_delimiter" too, or a file name that ends in .csv',
    )
  const place = placeOf(fields, resolvePath)
  if (!place.ok) return place
  return ok({
    outputFileName,
    ...(delimiter === undefined ? {} : { outputDelimiter: delimiter }),
    ...(header === undefined ? {} : { outputHeader: header }),
    ...(place.value === undefined ? {} : { outputPlace: place.value }),
  })
}

const placeOf = (
  { output }: JobFileFields,
  resolvePath: ResolvePath,
): Part<JobSpecBase['outputPlace']> => {
  if (output === undefined) return ok(undefined)
  const given = typeof output === 'string' ? { path: output } : output
  const path = resolvePath(given.path, typeof output === 'string' ? ['output'] : ['output', 'path'])
  return path.ok ? ok({ path: path.value, overwrite: given.overwrite ?? false }) : path
}
