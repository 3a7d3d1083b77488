import { musterError, MusterFailure } from '#protocol/errors.ts'
import { suggest } from '#protocol/spec/suggest.ts'

/** Every option of a thing, and whether it must be given. */
export type OptionTable<Options> = { readonly [Name in keyof Required<Options>]: 'needed' | 'may' }

/**
 * Refuses options that are no map, that do not exist, and that lack what must be given: programs in plain
 * JavaScript have no editor that says so, and an option that is passed over in silence runs another job.
 * @throws MusterFailure `RequestInvalid`
 */
export const checkOptions = <Options extends object>(
  of: string,
  options: Options,
  table: OptionTable<Options>,
): void => {
  const known = Object.keys(table)
  const needed = Object.entries(table).flatMap(([name, must]) => (must === 'needed' ? [name] : []))
  if (!isMap(options)) {
    const example = (needed.length === 0 ? known.slice(0, 1) : needed).map((name) => `${name}: ...`)
    throw refused(`${of} takes its options as { ${example.join(', ')} }; give them so.`)
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const near = suggest(name, known)
    const advice =
      near.length === 0 ? `it has ${known.join(', ')}` : `did you mean ${near.join(' or ')}?`
    throw refused(`${of} has no option "${name}"; ${advice}${near.length === 0 ? '.' : ''}`)
  }
  const lacking = needed.find((name) => (options as Record<string, unknown>)[name] === undefined)
  if (lacking !== undefined) throw refused(`${of} lacks the option "${lacking}"; give it.`)
}

/** Refuses what is no object of a class of the SDK. @param must such as `a Workspace, from Workspace.fromConfig()` */
export const checkInstance = (
  of: string,
  given: unknown,
  // Classes differ in what they are made of.
  expected: abstract new (...given: never[]) => object,
  must: string,
): void => {
  if (!(given instanceof expected)) throw refused(`${of} is not ${must}; give that.`)
}

/** A mistake in the program that uses the SDK. */
export const refused = (sentence: string): MusterFailure =>
  new MusterFailure(musterError('RequestInvalid', sentence))

const isMap = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
