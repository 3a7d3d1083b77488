import { limits } from '../../limits.ts'

/**
 * Whether a file of a script may have this path below an output folder, on whatever system the folder is:
 * `/` between its parts, none of them a name that means something else to Linux, macOS or Windows. Checked
 * where the file is found, and again by whoever is told of it.
 */
export const isOutputPath = (path: string): boolean =>
  path.length >= 1 && path.length <= limits.outputPathLength && path.split('/').every(isPlainName)

const isPlainName = (name: string): boolean =>
  name !== '' &&
  name.isWellFormed() &&
  // Control characters, and letters that Windows gives another meaning.
  !/[\p{Cc}<>:"\\|?*]/u.test(name) &&
  // `.`, `..`, and endings that Windows takes away.
  !/[. ]$/.test(name) &&
  !/^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?$/i.test(name)
