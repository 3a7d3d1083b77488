/** Fields of a job file as JSON values. */
export type FileFields = Readonly<Record<string, unknown>>

/**
 * Fields as YAML that people like to read: maps in lines, short lists in one. Texts stand bare where no
 * reader of YAML could take them for something else.
 */
export const toYaml = (fields: FileFields): string => mapLines(fields, '').join('\n') + '\n'

const mapLines = (map: FileFields, indent: string): readonly string[] =>
  Object.entries(map).flatMap(([name, value]) => {
    const key = `${indent}${textOf(name)}:`
    if (value === undefined) return []
    if (isMap(value) && Object.keys(value).length > 0)
      return [key, ...mapLines(value, `${indent}  `)]
    if (Array.isArray(value) && value.some((each) => isMap(each) || Array.isArray(each)))
      return [key, ...value.flatMap((each) => entryLines(each, `${indent}  `))]
    return [`${key} ${flowOf(value)}`]
  })

/** An entry of a list of maps: its first field stands beside the dash. */
const entryLines = (value: unknown, indent: string): readonly string[] => {
  if (!isMap(value) || Object.keys(value).length === 0) return [`${indent}- ${flowOf(value)}`]
  const [first = '', ...rest] = mapLines(value, `${indent}  `)
  return [`${indent}- ${first.trimStart()}`, ...rest]
}

/** A value in one line. */
const flowOf = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(flowOf).join(', ')}]`
  if (isMap(value))
    return `{${Object.entries(value)
      .map(([name, each]) => `${JSON.stringify(name)}: ${flowOf(each)}`)
      .join(', ')}}`
  return typeof value === 'string' ? textOf(value) : JSON.stringify(value)
}

/** Words that YAML reads as something other than text, in one of its versions. */
const spoken = /^(?:true|false|yes|no|on|off|null|nan|inf|y|n)$/i

const textOf = (text: string): string =>
  /^[A-Za-z_/.](?:[\w ./-]|:(?=\w))*$/.test(text) &&
  /[A-Za-z_]/.test(text) &&
  !/^\.|\s$/.test(text) &&
  !spoken.test(text)
    ? text
    : JSON.stringify(text)

const isMap = (value: unknown): value is FileFields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
