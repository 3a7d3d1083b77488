/**
 * Splits a text into words as a shell does: spaces part them, '...' and "..." hold them together, a
 * backslash takes the next character as it is (not inside '...'). Undefined: a quotation is not closed.
 */
export const splitArguments = (text: string): readonly string[] | undefined => {
  const words: string[] = []
  const word = /(?:[^\s'"\\]|\\[\s\S]|'[^']*'|"(?:[^"\\]|\\[\s\S])*")+/y
  let at = 0
  for (;;) {
    while (/\s/.test(text.charAt(at))) at += 1
    if (at >= text.length) return words
    word.lastIndex = at
    const found = word.exec(text)
    if (found === null) return undefined
    at = word.lastIndex
    words.push(unquote(found[0]))
  }
}

const unquote = (word: string): string =>
  word.replaceAll(
    /'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])/g,
    (_, single?: string, double?: string, escaped?: string) =>
      single ?? double?.replaceAll(/\\(["\\])/g, '$1') ?? escaped ?? '',
  )
