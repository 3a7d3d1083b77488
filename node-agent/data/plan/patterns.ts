import { posix } from 'node:path'

/**
 * Which files below a root belong to an input. Patterns are globs with `/`: `*` and `?` stay inside one
 * name, `**` crosses folders, `{a,b}` and `[a-z]` as in a shell. One that starts with `!` takes away.
 */
export interface Matcher {
  /** True if the file `name` (path below the root, with `/`) is wanted. */
  readonly matches: (name: string) => boolean
  /** False if no file below `folder` can be wanted, so that it need not be listed. */
  readonly reaches: (folder: string) => boolean
}

export const createMatcher = (patterns: readonly string[]): Matcher => {
  const taken = patterns.filter((pattern) => !pattern.startsWith('!')).map(normalise)
  const left = patterns
    .filter((pattern) => pattern.startsWith('!'))
    .map((p) => normalise(p.slice(1)))
  const wanted = taken.length === 0 ? ['**/*'] : taken
  // A folder that may not be read can be left out: then it is not even listed.
  const leftWhole = left.flatMap((pattern) => /^(.+?)(?:\/\*\*)(?:\/\*)?$/.exec(pattern)?.[1] ?? [])
  const everything = wanted.includes('**/*') || wanted.includes('**')
  return {
    matches: (name) =>
      (everything || wanted.some((pattern) => posix.matchesGlob(name, pattern))) &&
      !left.some((pattern) => posix.matchesGlob(name, pattern)),
    reaches: (folder) =>
      !leftWhole.some((pattern) => posix.matchesGlob(folder, pattern)) &&
      (everything || wanted.some((pattern) => reaches(folder, pattern))),
  }
}

const normalise = (pattern: string): string => pattern.replace(/^(?:\.\/)+/, '')

/** Follows the folder's names along the pattern's, up to the first `**`. */
const reaches = (folder: string, pattern: string): boolean => {
  // Braces and groups may hold slashes of their own; such a pattern is not taken apart.
  if (/[{(]/.test(pattern)) return true
  const globs = pattern.split('/')
  for (const [depth, name] of folder.split('/').entries()) {
    const glob = globs[depth]
    if (glob === '**') return true
    if (glob === undefined || depth === globs.length - 1) return false
    if (!posix.matchesGlob(name, glob)) return false
  }
  return true
}
