// Writes docs/schemas/job.schema.json, which editors use to complete job files, from the schema that
// checks them:
//
//   node tools/pinned-node.mjs tools/job-schema.ts
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { z } from 'zod'
import { jobFileSchema } from '#protocol/spec/job-file.ts'

export const jobSchemaPath = fileURLToPath(
  new URL('../docs/schemas/job.schema.json', import.meta.url),
)

/** The JSON Schema's text as it must stand in the repository. */
export const jobSchemaText = async (): Promise<string> => {
  const schema = z.toJSONSchema(jobFileSchema, { io: 'input', target: 'draft-7' })
  const config = await resolveConfig(jobSchemaPath)
  return format(JSON.stringify({ title: 'Muster job file', ...schema }), {
    ...config,
    parser: 'json',
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await mkdir(dirname(jobSchemaPath), { recursive: true })
  await writeFile(jobSchemaPath, await jobSchemaText())
  console.log(`wrote ${jobSchemaPath}`)
}
