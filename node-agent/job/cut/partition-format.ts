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
  let pattern = ''
  let rest = format.replace(/^(?:\.?\/)+/, '')
  while (rest !== '') {
    const [whole = '', literal = '', field] = /^([^{}]*)(?:\{([^{}]*)\})?/.exec(rest) ?? []
    if (whole === '') return 'braces must come in pairs around a name'
    pattern += literal.replaceAll(/[.*+?^$()|[\]\\/]/g, String.raw`\$&`)
    rest = rest.slice(whole.length)
    if (field === undefined) continue
    const problem = fieldProblem(field, fields, literal)
    if (problem !== undefined) return problem
    fields.push(field)
    pattern += '([^/]+?)'
  }
  if (fields.length === 0) return 'it has no field in braces'
  const whole = new RegExp(`(?:^|/)${pattern}$`, 'u')
  return { fields, match: (path: string) => whole.exec(path)?.slice(1) }
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
