/** `1 item`, `2 items`: a count with its word. @param many the word for other counts than one */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${String(count)} ${count === 1 ? one : many}`
