const names = 'zero one two three four five six seven eight nine'.split(' ')

/** Name of a class; `?` if there is none. */
export const labelOf = (index: number): string => names[index] ?? '?'

/** A word for a score. */
export const confidence = (score: number, least: number): 'sure' | 'unsure' =>
  score >= least ? 'sure' : 'unsure'
