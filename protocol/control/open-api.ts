import { z } from 'zod'
import {
  api,
  csrfHeader,
  downloadPath,
  eventsPath,
  inputPicturePath,
  picturePath,
  signInPath,
} from './api.ts'
import type { ApiName } from './api.ts'
import { errorView } from './views.ts'

/** Where the server shows `openApiDocument`. */
export const openApiPath = '/api/v1/openapi.json'

type Json = Readonly<Record<string, unknown>>

/** The OpenAPI 3.1 description of the control API, made from `api`; `version` is Muster's. */
export const openApiDocument = (version: string): Json => {
  const paths: Record<string, Record<string, Json>> = {}
  for (const name of Object.keys(api) as ApiName[]) {
    const path = bracePath(api[name].path)
    paths[path] = { ...paths[path], [api[name].method.toLowerCase()]: describeCall(name) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Muster control API',
      version,
      description: `Served on loopback only. Calls other than GET carry the header \`${csrfHeader}: 1\` when they use the cookie.`,
    },
    security: [{ token: [] }, { cookie: [] }],
    paths: { ...paths, ...extraPaths },
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'From `control.json` in the home.' },
        cookie: { type: 'apiKey', in: 'cookie', name: 'muster_session_PORT' },
      },
      schemas: { Error: jsonSchema(errorView, 'output') },
    },
  }
}

/** JSON Schema 2020-12 of a zod schema. */
export const jsonSchema = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}

const errorAnswer = {
  description: 'Refused or failed, and why',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
}

const describeCall = (name: ApiName): Json => {
  const { method, path, summary, query, body, answer } = api[name]
  const given = jsonSchema(query, 'input') as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return {
    operationId: name,
    summary,
    parameters: Object.entries(given.properties ?? {}).map(([field, schema]) => {
      const inPath = path.split('/').includes(`:${field}`)
      const required = inPath || (given.required ?? []).includes(field)
      return { name: field, in: inPath ? 'path' : 'query', required, schema }
    }),
    ...(method === 'POST'
      ? { requestBody: { required: true, content: jsonContent(jsonSchema(body, 'input')) } }
      : {}),
    responses: {
      200: { description: 'Done', content: jsonContent(jsonSchema(answer, 'output')) },
      default: errorAnswer,
    },
  }
}

const jsonContent = (schema: Json): Json => ({ 'application/json': { schema } })

const bracePath = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}')

const textParameter = (
  name: string,
  place: 'path' | 'query' | 'header',
  required: boolean,
): Json => ({
  name,
  in: place,
  required,
  schema: { type: 'string' },
})

/** Served beside `api`, since their answers are not JSON or they make the cookie. */
const extraPaths: Record<string, Json> = {
  [eventsPath]: {
    get: {
      operationId: 'events',
      summary: 'Server-sent events: every change after a sequence, until the asker hangs up.',
      parameters: [
        textParameter('last-event-id', 'header', false),
        textParameter('since', 'query', false),
      ],
      responses: {
        200: {
          description: '`id` is the sequence, `event` is `delta`, `data` a delta as JSON',
          content: { 'text/event-stream': { schema: { type: 'string' } } },
        },
        410: { ...errorAnswer, description: 'Too old: ask for a new snapshot' },
        default: errorAnswer,
      },
    },
  },
  [bracePath(picturePath)]: {
    get: {
      operationId: 'picture',
      summary: 'The picture of one item.',
      parameters: [textParameter('job', 'path', true), textParameter('item', 'path', true)],
      responses: {
        200: { description: 'Image bytes', content: { 'image/*': { schema: { type: 'string' } } } },
        default: errorAnswer,
      },
    },
  },
  [inputPicturePath]: {
    get: {
      operationId: 'inputPicture',
      summary: 'The picture of one file of an input that a job might have.',
      parameters: [textParameter('input', 'query', true), textParameter('name', 'query', true)],
      responses: {
        200: { description: 'Image bytes', content: { 'image/*': { schema: { type: 'string' } } } },
        default: errorAnswer,
      },
    },
  },
  [bracePath(downloadPath)]: {
    get: {
      operationId: 'download',
      summary: 'The rows that are here, as a file to save.',
      parameters: [
        textParameter('job', 'path', true),
        textParameter('format', 'query', true),
        textParameter('head', 'query', false),
      ],
      responses: {
        200: {
          description: 'The file',
          content: { 'application/octet-stream': { schema: { type: 'string' } } },
        },
        default: errorAnswer,
      },
    },
  },
  [signInPath]: {
    post: {
      operationId: 'signIn',
      summary: 'Exchanges a one-time code for the cookie.',
      security: [],
      requestBody: {
        required: true,
        content: jsonContent({
          type: 'object',
          properties: { code: { type: 'string' } },
          required: ['code'],
        }),
      },
      responses: {
        200: { description: 'Signed in; sets the cookie' },
        default: errorAnswer,
      },
    },
  },
}
