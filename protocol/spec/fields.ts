import { z } from 'zod'

/**
 * Fields of a job file. Each takes a phrase that says what is allowed: it is the error's second half
 * ("mini_batch_size is 0, but must be <phrase>"). Numbers may be written as text, `"1"` as `1`.
 */

const integerText = /^\s*[-+]?\d+\s*$/
const numberText = /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/

export interface Bounds {
  readonly min?: number
  readonly max?: number
  /** The number itself is not allowed, only what lies above it. */
  readonly above?: number
}

const bounded = (schema: z.ZodNumber, bounds: Bounds, error: string): z.ZodNumber => {
  let result = schema
  if (bounds.min !== undefined) result = result.min(bounds.min, error)
  if (bounds.max !== undefined) result = result.max(bounds.max, error)
  if (bounds.above !== undefined) result = result.gt(bounds.above, error)
  return result
}

const numeric = (
  number: z.ZodNumber,
  text: RegExp,
  bounds: Bounds,
  error: string,
): z.ZodType<number, number | string> => {
  const checked = bounded(number, bounds, error)
  const written = z.string(error).regex(text, error).transform(Number).pipe(checked)
  return z.union([checked, written], error)
}

/** A whole number, perhaps written as text. */
export const whole = (allowed: string, bounds: Bounds): z.ZodType<number, number | string> =>
  numeric(z.int(allowed), integerText, bounds, allowed)

/** A finite number, perhaps written as text. */
export const decimal = (allowed: string, bounds: Bounds = {}): z.ZodType<number, number | string> =>
  numeric(z.number(allowed), numberText, bounds, allowed)

/** true or false, perhaps written as text. */
export const flag = (): z.ZodType<boolean, boolean | 'true' | 'false'> => {
  const allowed = 'true or false'
  const written = z.enum(['true', 'false'], allowed).transform((text) => text === 'true')
  return z.union([z.boolean(allowed), written], allowed)
}

/** Text of at most `longest` characters; `shortest` is 1 unless empty text means something. */
export const text = (allowed: string, longest: number, shortest = 1): z.ZodString =>
  z.string(allowed).min(shortest, allowed).max(longest, allowed)

/** Text, or a number or truth value that stands for its text: `version: 1` is `version: "1"`. */
export const looseText = (
  allowed: string,
  longest: number,
): z.ZodType<string, string | number | boolean> =>
  z.union(
    [
      text(allowed, longest, 0),
      z.number(allowed).transform(String),
      z.boolean(allowed).transform(String),
    ],
    allowed,
  )

/** One of a few words. */
export const word = <const Words extends readonly [string, ...string[]]>(
  words: Words,
): z.ZodEnum<{ [Word in Words[number]]: Word }> => z.enum(words, oneOf(words))

/** The same, written in large or small letters. */
export const anyCase = <const Words extends readonly [string, ...string[]]>(
  words: Words,
): z.ZodType<Words[number], string> => {
  const letter = (one: string): string =>
    /[a-z]/i.test(one) ? `[${one.toUpperCase()}${one.toLowerCase()}]` : one
  // Without a flag, since the JSON Schema has no room for one.
  const written = words.map((one) => one.split('').map(letter).join('')).join('|')
  const asMeant = (value: string): string =>
    words.find((one) => one.toUpperCase() === value.toUpperCase()) ?? value
  const otherwise = z
    .string(oneOf(words))
    .regex(new RegExp(`^(?:${written})$`), oneOf(words))
    .transform(asMeant)
    .pipe(word(words))
  return z.union([word(words), otherwise], oneOf(words))
}

/** `a, b or c` */
export const oneOf = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
