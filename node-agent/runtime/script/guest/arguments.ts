/** `arguments` as a script sees them: `--name value`, `--name=value` and `--name` by name, all else in `_`. */
export interface ScriptArguments {
  /** Words that belong to no name, in their order. */
  readonly _: readonly string[]
  /** All words as they were given. */
  readonly raw: readonly string[]
  /** Values are texts; a name without value is true. Doubled names: the last counts. */
  readonly [name: string]: string | true | readonly string[]
}

export const parseArguments = (raw: readonly string[]): ScriptArguments => {
  const named: Record<string, string | true> = {}
  const rest: string[] = []
  for (let at = 0; at < raw.length; at += 1) {
    const word = raw[at] ?? ''
    const [, name, value] = /^--?([A-Za-z][^=]*)(?:=([\s\S]*))?$/.exec(word) ?? []
    if (name === undefined) rest.push(word)
    else if (value !== undefined) named[name] = value
    else {
      const next = raw[at + 1]
      // A negative number is a value.
      const isValue = next !== undefined && !/^--?[A-Za-z]/.test(next)
      named[name] = isValue ? next : true
      if (isValue) at += 1
    }
  }
  return Object.freeze({ ...named, _: Object.freeze(rest), raw: Object.freeze([...raw]) })
}
