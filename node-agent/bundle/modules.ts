import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, dirname, join, relative, sep } from 'node:path'

/** Node's own modules that a script process denies, and what to do instead. */
const denied: Readonly<Record<string, string>> = {
  child_process: 'scripts may start no processes',
  cluster: 'scripts may start no processes',
  worker_threads: 'scripts have one thread; use more processes',
  net: 'scripts have no network',
  tls: 'scripts have no network',
  dgram: 'scripts have no network',
  dns: 'scripts have no network',
  'dns/promises': 'scripts have no network',
  http: 'scripts have no network',
  https: 'scripts have no network',
  http2: 'scripts have no network',
  quic: 'scripts have no network',
  inspector: 'scripts cannot be debugged where they run',
  'inspector/promises': 'scripts cannot be debugged where they run',
  repl: 'nobody types where scripts run',
  sqlite: 'scripts write only to context.outputDirectory',
  wasi: 'scripts may not use it',
  ffi: 'scripts carry no native code',
}

/** Why a module of Node's own cannot be used by a script; undefined if it can, or is none of Node's. */
export const deniedModule = (id: string): string | undefined =>
  isBuiltin(id) ? denied[id.replace(/^node:/, '')] : undefined

/** What packages offer in place of native ones. */
const instead: Readonly<Record<string, string>> = {
  sharp: 'use context.decodeImages',
  'onnxruntime-node': 'use context.session',
  'onnxruntime-web': 'use context.session',
  canvas: 'use context.decodeImages',
}

export const insteadOf = (name: string): string =>
  instead[name] ?? 'use a package of plain JavaScript'

/** Packages that load native code for others. */
const loaders = ['bindings', 'node-gyp-build', 'prebuild-install', 'node-pre-gyp', 'node-addon-api']

/** Name of the package that a file belongs to, if it says of itself that it has native code. */
export const nativePackageOf = (file: string): string | undefined => {
  const root = packageRoot(file)
  if (root === undefined) return undefined
  const { name, facts } = root
  const needs = Object.keys({ ...facts.dependencies, ...facts.optionalDependencies })
  const native =
    facts.gypfile === true ||
    facts.binary !== undefined ||
    needs.some((need) => loaders.includes(need) || /^@img\/sharp-(?!libvips)/.test(need)) ||
    name in instead
  return native ? name : undefined
}

interface PackageFacts {
  readonly name?: string
  readonly gypfile?: boolean
  readonly binary?: unknown
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const packageRoot = (
  file: string,
): { readonly name: string; readonly facts: PackageFacts } | undefined => {
  if (!file.includes(`${sep}node_modules${sep}`)) return undefined
  for (let folder = dirname(file); basename(folder) !== 'node_modules'; folder = dirname(folder)) {
    if (folder === dirname(folder)) return undefined
    try {
      const facts = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageFacts
      if (facts.name !== undefined) return { name: facts.name, facts }
    } catch {
      // The package's own description stands in a folder above.
    }
  }
  return undefined
}

export const isInPackage = (file: string): boolean => file.includes(`${sep}node_modules${sep}`)

/** A file as its author knows it: relative to the script's folder. */
export const shownPath = (folder: string, file: string): string => {
  const path = relative(folder, file)
  return path === '' || path.startsWith('..') ? file : path
}
