import { z } from 'zod'

/** Kinds of fields that all views are made of. */

/** A text of any length. */
export const text = z.string()
/** A whole number from 0 on. */
export const count = z.int().min(0)
/** Milliseconds since 1970 UTC. */
export const time = z.number()
/** Words of a person's choice, by names of a person's choice. */
export const tags = z.record(text, text)
