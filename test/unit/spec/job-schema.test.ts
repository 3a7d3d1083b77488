import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { jobSchemaPath, jobSchemaText } from '../../../tools/job-schema.ts'

it('docs/schemas/job.schema.json is what tools/job-schema.ts writes', async () => {
  expect(await readFile(jobSchemaPath, 'utf8')).toBe(await jobSchemaText())
})

it('describes every field of a job file', async () => {
  const schema = JSON.parse(await jobSchemaText()) as {
    properties: Record<string, { description?: string; properties?: object }>
  }
  const bare = Object.entries(schema.properties)
    .filter(([, field]) => field.description === undefined && field.properties === undefined)
    .map(([name]) => name)
  expect(bare).toEqual([])
})
