import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import type { ScriptSafety } from '#agent/ports/runtime.ts'
import { limits } from '#protocol/limits.ts'

/** What a script process may touch. Folders, absolute. */
export interface Allowed {
  /** File that the process begins with; in one of the readable folders. */
  readonly root: string
  readonly readable: readonly string[]
  readonly writable: readonly string[]
  readonly heapMib: number
}

export interface Command {
  readonly file: string
  readonly words: readonly string[]
}

/** First version of Node whose permission model denies the network. */
const leastNode = 26

/** Asks once whether bubblewrap is there and works: some systems forbid its namespaces. */
export const probeSandbox = async (): Promise<ScriptSafety & { readonly bwrap?: string }> => {
  if (Number(process.versions.node.split('.')[0]) < leastNode)
    return {
      kind: 'refused',
      reason: `Entry scripts need Node ${leastNode}, whose permission model denies the network, but this agent runs on Node ${process.versions.node}: start it with the one it brings.`,
    }
  const seatBelt = (why: string): ScriptSafety => ({
    kind: 'seat-belt',
    words: `Entry scripts run under Node's permission model alone (${why}); docs/security.md tells what that leaves open.`,
  })
  if (process.platform !== 'linux') return seatBelt(`bubblewrap is for Linux only`)
  const bwrap = findProgram('bwrap')
  if (bwrap === undefined) return seatBelt('bubblewrap is not installed')
  const words = [...namespaces, ...systemMounts(), process.execPath, '--version']
  try {
    await promisify(execFile)(bwrap, words, { timeout: limits.sandboxProbeMs, env: {} })
  } catch {
    return seatBelt('bubblewrap is installed, but the system does not let it work')
  }
  return {
    kind: 'sandbox',
    words: 'Entry scripts run in bubblewrap, in namespaces of their own.',
    bwrap,
  }
}

const findProgram = (name: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })

/** The command that runs a script process, shut in as well as this machine can. */
export const scriptCommand = (allowed: Allowed, bwrap: string | undefined): Command => {
  const node = [process.execPath, ...nodeWords(allowed), allowed.root]
  const boxed = bwrap === undefined ? node : [bwrap, ...boxWords(allowed), ...node]
  return inShell(boxed, allowed.heapMib)
}

const nodeWords = ({ readable, writable, heapMib }: Allowed): readonly string[] => [
  '--permission',
  ...[...readable, ...writable].map((folder) => `--allow-fs-read=${folder}/`),
  ...writable.map((folder) => `--allow-fs-write=${folder}/`),
  '--no-experimental-sqlite',
  '--enable-source-maps',
  '--disable-warning=ExperimentalWarning',
  `--max-old-space-size=${heapMib}`,
  '--max-semi-space-size=16',
]

const namespaces: readonly string[] = [
  '--unshare-all',
  '--die-with-parent',
  '--new-session',
  '--hostname',
  'muster',
]

/** What Node itself needs of the system, read only. */
const systemMounts = (): readonly string[] => [
  ...['/lib', '/lib64', '/usr/lib', '/usr/lib64', '/etc/ld.so.cache'].flatMap((path) => [
    '--ro-bind-try',
    path,
    path,
  ]),
  '--proc',
  '/proc',
  '--dev',
  '/dev',
  '--tmpfs',
  '/tmp',
  // After the empty /tmp, which would hide a Node that was installed below it.
  ...readOnly(process.execPath),
]

const readOnly = (path: string): readonly string[] => ['--ro-bind', path, path]

const boxWords = ({ readable, writable }: Allowed): readonly string[] => [
  ...namespaces,
  ...systemMounts(),
  ...readable.flatMap(readOnly),
  ...writable.flatMap((folder) => ['--bind', folder, folder]),
  '--chdir',
  writable[0] ?? '/tmp',
]

/**
 * A shell sets what Node cannot: the lowest priority from the first instruction on, and a limit for memory
 * outside the JavaScript heap (Linux; other systems ignore it).
 */
const inShell = (words: readonly string[], heapMib: number): Command => {
  if (process.platform === 'win32') return { file: words[0] ?? '', words: words.slice(1) }
  const kib = heapMib * 1024 + limits.scriptExtraBytes / 1024
  const script = `ulimit -d ${kib} 2>/dev/null; exec nice -n 19 "$@"`
  return { file: '/bin/sh', words: ['-c', script, 'sh', ...words] }
}
