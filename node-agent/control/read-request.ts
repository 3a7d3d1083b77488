import type { IncomingMessage } from 'node:http'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/** What this room uses of a zod schema. */
export interface Schema {
  readonly safeParse: (value: unknown) =>
    | { readonly success: true; readonly data: unknown }
    | {
        readonly success: false
        readonly error: {
          readonly issues: readonly {
            readonly path: readonly PropertyKey[]
            readonly message: string
          }[]
        }
      }
}

/** Checks fields; the error names the first field that does not fit. */
export const readFields = (schema: Schema, value: unknown): Result<unknown, MusterError> => {
  const parsed = schema.safeParse(value)
  if (parsed.success) return ok(parsed.data)
  const issue = parsed.error.issues[0]
  const field = issue?.path.map(String).join('.') ?? ''
  const what = field === '' ? 'The request' : `The field \`${field}\` of the request`
  const why = plainWords(issue?.message ?? 'it does not fit')
  return err(
    musterError('RequestInvalid', `${what} is not valid: ${why}; correct it and try again.`),
  )
}

/** `Too small: expected string to have >=1 characters` for people. */
const plainWords = (message: string): string =>
  message
    .replace(/^Invalid input: /, '')
    .replace(/^Too small: expected string to have >=1 characters?$/, 'it must not be empty')
    .replace(
      /^Too (?:small|big): expected \w+ to (have|be) ([<>])(=?)/,
      (_, verb: string, sign: string, orEqual: string) =>
        `it must ${verb} ${boundWords[`${sign}${orEqual}`] ?? ''} `,
    )

const boundWords: Readonly<Record<string, string>> = {
  '>=': 'at least',
  '<=': 'at most',
  '>': 'more than',
  '<': 'less than',
}

/** Reads a JSON body; without a schema as it is. An empty body counts as `{}`. */
export const readBody = async (
  schema: Schema | undefined,
  incoming: IncomingMessage,
): Promise<Result<unknown, MusterError>> => {
  const text = await readText(incoming)
  if (!text.ok) return text
  try {
    const value: unknown = text.value.trim() === '' ? {} : JSON.parse(text.value)
    return schema === undefined ? ok(value) : readFields(schema, value)
  } catch {
    return err(
      musterError('RequestInvalid', 'The request is not valid JSON; correct it and try again.'),
    )
  }
}

/**
 * Reads at most `limits.requestBodyBytes`, whatever length was announced. The rest of a larger body is
 * let through unread, so that the asker gets its answer instead of a broken connection.
 */
const readText = (incoming: IncomingMessage): Promise<Result<string, MusterError>> =>
  new Promise((resolve) => {
    const parts: Buffer[] = []
    let bytes = 0
    const take = (part: Buffer): void => {
      bytes += part.length
      if (bytes <= limits.requestBodyBytes) {
        parts.push(part)
        return
      }
      incoming.off('data', take)
      incoming.resume()
      resolve(err(tooLarge))
    }
    incoming.on('data', take)
    incoming.on('end', () => resolve(ok(Buffer.concat(parts).toString('utf8'))))
    const broken = (): void => resolve(err(brokenOff))
    incoming.on('error', broken)
    incoming.on('close', broken)
  })

const tooLarge = musterError(
  'FrameTooLarge',
  `The request is larger than ${limits.requestBodyBytes} bytes; send less at once.`,
)

const brokenOff = musterError('Aborted', 'The request broke off; send it again.', {
  retryable: true,
})

/** A sequence as text; undefined stays undefined. */
export const readSequence = (text: string | undefined): Result<number | undefined, MusterError> => {
  if (text === undefined) return ok(undefined)
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value)) return ok(value)
  return err(
    musterError('RequestInvalid', 'The last event id is not a sequence; take it from a snapshot.'),
  )
}
