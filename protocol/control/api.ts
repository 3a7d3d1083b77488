import type { z } from 'zod'
import { agentApi } from './agent-api.ts'
import { clusterApi } from './cluster-api.ts'
import { jobApi } from './job-api.ts'
import { logApi } from './log-api.ts'
import { modelApi } from './model-api.ts'
import { pipelineApi } from './pipeline-api.ts'
import { registryApi } from './registry-api.ts'
import { sharingApi } from './sharing-api.ts'

/**
 * The control API: every command and query of an agent, as one value. The server registers its routes
 * from it, the client's methods and types come from it, and `docs/cli.md` and `docs/api.md` print its schemas.
 * Served on loopback only. Path fields stand as `:name` and are part of `query`.
 */
export const api = {
  ...agentApi,
  ...clusterApi,
  ...modelApi,
  ...registryApi,
  ...logApi,
  ...jobApi,
  ...pipelineApi,
  ...sharingApi,
} as const

/** The control API as a type. */
export type Api = typeof api
/** Name of a call, which is the client's method too. */
export type ApiName = keyof Api
/** Query and path fields as a caller gives them; those with a default may be left out. */
export type QueryOf<Name extends ApiName> = z.input<Api[Name]['query']>
/** The body as a caller gives it. */
export type BodyOf<Name extends ApiName> = z.input<Api[Name]['body']>
/** What comes back when nothing failed. */
export type AnswerOf<Name extends ApiName> = z.output<Api[Name]['answer']>
/** Query and path fields as the server reads them: checked, numbers as numbers. */
export type ReadQueryOf<Name extends ApiName> = z.output<Api[Name]['query']>
/** The body as the server reads it. */
export type ReadBodyOf<Name extends ApiName> = z.output<Api[Name]['body']>

/** Server-sent events: `id` is the delta's sequence, `event` is `delta`, `data` is a DeltaView as JSON. */
export const eventsPath = '/api/v1/events'
/** The picture of one item: image bytes. `:job` and `:item`. */
export const picturePath = '/api/v1/jobs/:job/items/:item/picture'
/**
 * The picture of one file of an input that is looked at before a job reads it: image bytes. In the query
 * `input`, as JSON what `previewData` was asked for, and `name`, a file below its folder.
 */
export const inputPicturePath = '/api/v1/data/picture'
/**
 * The rows that are here as a file to save: `:job`, and in the query `format` and `head`. The answer is
 * sent when all of it is written, so its length is known.
 */
export const downloadPath = '/api/v1/jobs/:job/download'
/** A browser posts its one-time code here and gets the cookie. */
export const signInPath = '/api/v1/sign-in'
/** Header that proves a cookie request was made by our own page's script. */
export const csrfHeader = 'x-muster'
