import { z } from 'zod'

/** One call of the control API. Path fields stand as `:name` and are part of `query`. */
export interface Endpoint<
  Query extends z.ZodType,
  Body extends z.ZodType,
  Answer extends z.ZodType,
> {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  /** One line for people. */
  readonly summary: string
  /** Path and query fields; every value arrives as text. */
  readonly query: Query
  readonly body: Body
  readonly answer: Answer
}

/** Keeps the types of a call's shapes. */
export const endpoint = <Query extends z.ZodType, Body extends z.ZodType, Answer extends z.ZodType>(
  value: Endpoint<Query, Body, Answer>,
): Endpoint<Query, Body, Answer> => value

/** No fields. */
export const none = z.object({})

/** Names one job. */
export const jobKey = z.object({
  job: z
    .string()
    .min(1)
    .max(64)
    .describe('Job id, that of a run of one job, or an unambiguous start of either'),
})

/** The answer of a command that has nothing to tell. */
export const done = z.object({ done: z.literal(true) })

/** What an agent answers to a call that it does not have: one of another version may have it. */
export const noSuchCall =
  'The control API has no such address; /api/v1/openapi.json lists what it has.'
