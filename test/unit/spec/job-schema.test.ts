import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { publishedSchemas, schemaText } from '../../../tools/job-schema.ts'

describe.for(publishedSchemas)('the schema at $path', (published) => {
  it('is what tools/job-schema.ts writes', async () => {
    expect(await readFile(published.path, 'utf8')).toBe(await schemaText(published))
  })

  it('describes every field', async () => {
    const schema = JSON.parse(await schemaText(published)) as {
      properties: Record<string, { description?: string; properties?: object }>
    }
    const bare = Object.entries(schema.properties)
      .filter(([, field]) => field.description === undefined && field.properties === undefined)
      .map(([name]) => name)
    expect(bare).toEqual([])
  })
})
