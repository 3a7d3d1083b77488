/** A text as one word of bash, zsh and fish. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Patterns of a `case` that match these words; `*` at the end matches anything. */
export const patterns = (words: readonly string[]): string =>
  words
    .map((word) => (word.endsWith('*') ? `${quoted(word.slice(0, -1))}*` : quoted(word)))
    .join(' | ')
