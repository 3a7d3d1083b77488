// Writes docs/schemas/job.schema.json and pipeline.schema.json, which editors use to complete what people
// write, from the schemas that check it:
//
//   node tools/pinned-node.mjs tools/job-schema.ts
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { z } from 'zod'
import { jobFileSchema } from '#protocol/spec/job-file.ts'
import { pipelineFileSchema } from '#protocol/spec/pipeline-file.ts'

const pathOf = (name: string): string =>
  fileURLToPath(new URL(`../docs/schemas/${name}.schema.json`, import.meta.url))

/** The published schemas: where each stands, its title and its source. */
export const publishedSchemas = [
  { path: pathOf('job'), title: 'Muster job file', schema: jobFileSchema },
  { path: pathOf('pipeline'), title: 'Muster pipeline file', schema: pipelineFileSchema },
] as const

type JsonSchema = z.core.JSONSchema.BaseSchema

const reference: JsonSchema = { type: 'string', pattern: '\\$\\{\\{.+\\}\\}' }
/** Names stay as they are: no parameter stands for one. */
const plain = new Set(['$schema', 'name', 'output_name'])

/** Several patterns stand in `allOf`, a single word in `const`. */
const takesAnyText = (schema: JsonSchema): boolean =>
  (schema.type === 'string' &&
    [schema.pattern, schema.enum, schema.const, schema.allOf].every((one) => one === undefined)) ||
  (schema.anyOf ?? []).some((one) => takesAnyText(one))

/** A reference such as `${{parameters.size}}` may stand for any value; free texts take it already. */
const withReferences = (schema: JsonSchema): void => {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (typeof property === 'boolean' || plain.has(name) || schema.properties === undefined)
      continue
    withReferences(property)
    if (property.type === 'object' || property.type === 'array' || takesAnyText(property)) continue
    const { description, ...rest } = property
    const either = { anyOf: [...(rest.anyOf ?? [rest]), reference] }
    schema.properties[name] = description === undefined ? either : { ...either, description }
  }
  for (const below of [...(schema.anyOf ?? []), schema.additionalProperties, schema.items])
    if (typeof below === 'object' && !Array.isArray(below)) withReferences(below)
}

/** The JSON Schema's text as it must stand in the repository. */
export const schemaText = async ({
  path,
  title,
  schema,
}: (typeof publishedSchemas)[number]): Promise<string> => {
  const json = z.toJSONSchema(schema, { io: 'input', target: 'draft-7', reused: 'inline' })
  withReferences(json)
  const config = await resolveConfig(path)
  return format(JSON.stringify({ title, ...json }), { ...config, parser: 'json' })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const published of publishedSchemas) {
    await mkdir(dirname(published.path), { recursive: true })
    await writeFile(published.path, await schemaText(published))
    console.log(`wrote ${published.path}`)
  }
}
