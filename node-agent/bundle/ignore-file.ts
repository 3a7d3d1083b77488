import { posix } from 'node:path'

/** Name of the file in a source folder that lists what stays at home. */
export const ignoreFileName = '.musterignore'

/**
 * Reads an ignore file: one glob a line, `#` begins a comment, a `/` at the end means a folder, `!` takes a
 * name back in; without a `/` inside, a glob is met at any depth. The last line that fits decides.
 */
export const createIgnore = (text: string): ((path: string) => boolean) => {
  const rules = text.split(/\r?\n/).flatMap(toRule)
  return (path) => {
    let ignored = false
    for (const rule of rules) if (rule.fits(path)) ignored = rule.ignores
    return ignored
  }
}

interface Rule {
  readonly ignores: boolean
  readonly fits: (path: string) => boolean
}

const toRule = (line: string): readonly Rule[] => {
  const bare = line.trim()
  if (bare === '' || bare.startsWith('#')) return []
  const ignores = !bare.startsWith('!')
  const glob = bare.replace(/^!/, '').replace(/\/$/, '')
  const anchored = glob.includes('/')
  const pattern = glob.replace(/^\//, '')
  const fits = (path: string): boolean => {
    const names = path.split('/')
    // A folder that fits takes all below it along.
    return names.some((name, depth) => {
      const part = anchored ? names.slice(0, depth + 1).join('/') : name
      return posix.matchesGlob(part, pattern)
    })
  }
  return [{ ignores, fits }]
}
