/** Fields as a person writes them, one `name=value` a line. A text is what is wrong with them. */
export const parseFields = (
  text: string,
): Readonly<Record<string, string | number | boolean>> | string => {
  const fields: Record<string, string | number | boolean> = {}
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue
    const at = line.indexOf('=')
    const name = line.slice(0, at).trim()
    if (at < 1 || !/^[\w.$-]+$/.test(name))
      return `“${line}” is no field: write name=value, such as mini_batch_size=20.`
    fields[name] = valueOf(line.slice(at + 1).trim())
  }
  return fields
}

const valueOf = (text: string): string | number | boolean => {
  if (text === 'true' || text === 'false') return text === 'true'
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

/** The parameter that a sentence of the agent is about, if it is one of these. */
export const parameterAbout = (names: readonly string[], sentence: string): string | undefined =>
  names.find((name) => sentence.includes(`"${name}"`) || sentence.includes(`"inputs.${name}.`))
