import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
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

it('a parameter may stand for every single value but a name', async () => {
  const [job] = publishedSchemas
  const json = JSON.parse(await schemaText(job)) as z.core.JSONSchema.JSONSchema
  const schema = z.fromJSONSchema(json)
  const base = { name: 'abc', model: 'm', inputs: { a: './a' } }
  const takes = (field: string, value: string): boolean =>
    schema.safeParse({ ...base, [field]: value }).success
  const maps = ['tags', 'environment_variables', 'inputs', 'side_inputs', 'partition_keys']
  const others = ['$schema', 'name', 'parameters', 'preprocess', 'resources', 'retry_settings']
  const single = Object.keys(json.properties ?? {}).filter(
    (field) => ![...maps, ...others].includes(field),
  )
  expect(single.filter((field) => !takes(field, '${{parameters.x}}'))).toEqual([])
  expect(takes('append_row_file_name', 'rows-${{parameters.month}}.csv')).toBe(true)
  expect(takes('name', '${{parameters.x}}')).toBe(false)
  expect(takes('mini_batch_size', 'many')).toBe(false)
  expect(takes('append_row_file_name', 'a/b.csv')).toBe(false)
})

it('every example names the schema that it keeps', async () => {
  const examples = new URL('../../../examples/', import.meta.url)
  const files = (await readdir(examples, { recursive: true })).filter((name) =>
    /\.ya?ml$/.test(name),
  )
  expect(files.length).toBeGreaterThan(3)
  for (const name of files) {
    const text = await readFile(new URL(name, examples), 'utf8')
    const schema = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1] ?? 'none'
    const kind = /^steps:/m.test(text) ? 'pipeline' : 'job'
    const path = new URL(schema, new URL(name, examples)).pathname
    expect([name, path.split('/').at(-1)]).toEqual([name, `${kind}.schema.json`])
    expect(publishedSchemas.map((one) => one.path)).toContain(path)
  }
})
