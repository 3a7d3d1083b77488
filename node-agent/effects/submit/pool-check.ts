import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/** A job that names a pool which is not there would wait for ever: most likely the name is mistyped. */
export const checkPool = (
  known: readonly string[],
  name: string | undefined,
): Result<void, MusterError> => {
  if (name === undefined || known.includes(name)) return ok(undefined)
  const there = known.length === 0 ? 'none is yet' : `there are ${known.slice(0, 8).join(', ')}`
  return err(
    musterError(
      'JobFileInvalid',
      `"compute" is ${name}, but there is no such pool; ${there}. Make it with \`muster pool create ${name}\`, or leave "compute" out to use all machines.`,
    ),
  )
}
