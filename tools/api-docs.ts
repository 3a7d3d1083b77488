// The table of calls in docs/api.md, from `protocol/control/api.ts`; written and checked by `cli-docs.ts`.
import { fileURLToPath } from 'node:url'
import type { z } from 'zod'
import {
  api,
  downloadPath,
  eventsPath,
  inputPicturePath,
  picturePath,
  signInPath,
} from '#protocol/control/api.ts'
import type { ApiName } from '#protocol/control/api.ts'
import { jsonSchema, openApiPath } from '#protocol/control/open-api.ts'
import { withParts } from './doc-parts.ts'

export const apiDocsPath = fileURLToPath(new URL('../docs/api.md', import.meta.url))

/** @param schemas names of answers, as the headings of docs/cli.md have them */
export const freshApiDocs = (text: string, schemas: Readonly<Record<string, z.ZodType>>): string =>
  withParts('docs/api.md', text, { calls: callsPart(schemas), others: othersPart() })

const callsPart = (schemas: Readonly<Record<string, z.ZodType>>): string => {
  const nameOf = new Map(Object.entries(schemas).map(([name, schema]) => [schema, name]))
  const lines = (Object.keys(api) as ApiName[]).map((call) => {
    const { method, path, summary, query, body, answer } = api[call]
    const name = nameOf.get(answer)
    const given = [
      ...fieldsOf(query, (field) => !path.split('/').includes(`:${field}`)),
      ...fieldsOf(body, () => true),
    ]
    const link = name === undefined ? '' : `[${name}](cli.md#${name.toLowerCase()})`
    return `| \`${method} ${path}\` | ${given.join(', ')} | ${summary} | ${link} |`
  })
  return ['| call | given | what it does | answer |', '| --- | --- | --- | --- |', ...lines].join(
    '\n',
  )
}

/** Names of fields; those that may be left out are followed by a question mark. */
const fieldsOf = (schema: z.ZodType, isWanted: (field: string) => boolean): readonly string[] => {
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    readonly properties?: Readonly<Record<string, unknown>>
    readonly required?: readonly string[]
  }
  return Object.keys(properties)
    .filter(isWanted)
    .map((field) => `\`${field}\`${required.includes(field) ? '' : '?'}`)
}

const othersPart = (): string =>
  [
    '| call | answer |',
    '| --- | --- |',
    `| \`GET ${openApiPath}\` | all of this as OpenAPI 3.1, with the schema of every field |`,
    `| \`GET ${eventsPath}\` | changes as server-sent events, see below |`,
    `| \`GET ${downloadPath}\` | rows as a file: \`format\` is csv, tsv, jsonl, parquet or txt, \`head\` the first rows only |`,
    `| \`GET ${picturePath}\` | the picture of one item |`,
    `| \`GET ${inputPicturePath}\` | the picture of one file of an input that no job has yet |`,
    `| \`POST ${signInPath}\` | a one-time code becomes the cookie of a browser |`,
  ].join('\n')
