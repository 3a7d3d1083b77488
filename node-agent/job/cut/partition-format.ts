/**
 * `{user}/{season}/{file}.wav`: fields in braces, each a part of one name; the rest stands as it is. A format
 * fits the end of a path, from the start of some name on.
 */
export interface PartitionFormat {
  readonly fields: readonly string[]
  /** Values of the fields in a path with `/`; undefined if the path does not fit. */
  readonly match: (path: string) => readonly string[] | undefined
}

/** A sentence's second half instead, where the format cannot be read. */
export const parsePartitionFormat = (format: string): PartitionFormat | string => {
  const fields: string[] = []
  const names: NameFormat[] = []
  for (const name of format.replace(/^(?:\.?\/)+/, '').split('/')) {
    const literals: string[] = []
    let rest = name
    while (rest !== '') {
      const [whole = '', literal = '', field] = /^([^{}]*)(?:\{([^{}]*)\})?/.exec(rest) ?? []
      if (whole === '') return 'braces must come in pairs around a name'
      rest = rest.slice(whole.length)
      literals.push(literal)
      if (field === undefined) continue
      const problem = fieldProblem(field, fields, literals.length === 1 ? '/' : literal)
      if (problem !== undefined) return problem
      fields.push(field)
      if (rest === '') literals.push('')
    }
    names.push(literals)
  }
  if (fields.length === 0) return 'it has no field in braces'
  return { fields, match: (path: string) => matchNames(names, path.split('/')) }
}

/** What stands before, between and behind the fields of one name. */
type NameFormat = readonly string[]

const matchNames = (
  formats: readonly NameFormat[],
  path: readonly string[],
): readonly string[] | undefined => {
  if (path.length < formats.length) return undefined
  const found: string[] = []
  for (const [at, format] of formats.entries()) {
    const values = matchName(format, path[path.length - formats.length + at] ?? '')
    if (values === undefined) return undefined
    found.push(...values)
  }
  return found
}

/**
 * Each field is as short as it can be. Since the last one takes what is left, the first place of each literal is
 * as good as any other: nothing is tried twice, whatever the name.
 */
const matchName = ([first = '', ...literals]: NameFormat, name: string): string[] | undefined => {
  const last = literals.pop()
  if (last === undefined) return name === first ? [] : undefined
  if (!name.startsWith(first)) return undefined
  const values: string[] = []
  let at = first.length
  for (const literal of literals) {
    const end = name.indexOf(literal, at + 1)
    if (end < 0) return undefined
    values.push(name.slice(at, end))
    at = end + literal.length
  }
  const end = name.length - last.length
  return end > at && name.endsWith(last) ? [...values, name.slice(at, end)] : undefined
}

const fieldProblem = (
  field: string,
  before: readonly string[],
  literal: string,
): string | undefined => {
  if (!/^[\p{L}_][\p{L}\p{N}_-]*$/u.test(field))
    return `"{${field}}" is no name: use letters, digits, _ and -`
  if (before.includes(field)) return `"{${field}}" stands twice`
  if (before.length > 0 && literal === '')
    return `nothing stands between "{${before.at(-1)}}" and "{${field}}"`
  return undefined
}
