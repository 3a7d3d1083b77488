import type { z } from 'zod'

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

export const endpoint = <Query extends z.ZodType, Body extends z.ZodType, Answer extends z.ZodType>(
  value: Endpoint<Query, Body, Answer>,
): Endpoint<Query, Body, Answer> => value
