import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** Where the shell finds what it needs; all absolute. */
export interface ShellPaths {
  /** The Node that runs the agent. */
  readonly node: string
  /** Entry file of the agent's command line. */
  readonly entry: string
  /** Folder of the agent; the same one that `muster` uses by default. */
  readonly home: string
  readonly preload: string
  readonly icon: string
  readonly trayIcon: string
}

export interface PathFacts {
  readonly packaged: boolean
  /** Electron's folder of packaged resources. */
  readonly resources: string
  /** Folder of the built `main.js`: `dist/main`. */
  readonly built: string
  readonly platform: NodeJS.Platform
  readonly arch: string
  readonly env: NodeJS.ProcessEnv
}

export const findPaths = (facts: PathFacts): ShellPaths => {
  // Plain Node cannot read inside an asar archive: what the agent needs lies unpacked beside it.
  const root = facts.packaged
    ? join(facts.resources, 'app.asar.unpacked')
    : dirname(dirname(facts.built))
  return {
    node: facts.packaged ? packagedNode(facts) : developmentNode(facts, root),
    // A package brings the bundle and no sources.
    entry: join(root, facts.packaged ? 'dist/app/agent/main.js' : 'node-agent/cli/main.ts'),
    home: defaultHome(facts),
    preload: join(facts.built, 'preload.cjs'),
    icon: join(facts.built, 'icon.png'),
    trayIcon: join(facts.built, 'tray.png'),
  }
}

const packagedNode = ({ resources, platform }: PathFacts): string =>
  join(resources, 'node', platform === 'win32' ? 'node.exe' : 'node')

/** The pinned Node among the packages, as `tools/pinned-node.mjs` finds it. */
const developmentNode = ({ platform, arch, env }: PathFacts, root: string): string => {
  const given = env['MUSTER_NODE']
  if (given !== undefined && given !== '') return given
  const require = createRequire(join(root, 'package.json'))
  const system = platform === 'win32' ? 'win' : platform
  for (const name of [`node-${system}-${arch}`, `node-bin-${platform}-${arch}`]) {
    try {
      const folder = join(dirname(require.resolve(`${name}/package.json`)), 'bin')
      const file = join(folder, platform === 'win32' ? 'node.exe' : 'node')
      if (existsSync(file)) return file
    } catch {
      // Not installed for this platform: try the next name.
    }
  }
  return 'node'
}

/** `MUSTER_HOME`, else the data folder of this account, by the same rule as the command line. */
const defaultHome = ({ env, platform }: PathFacts): string => {
  const told = (name: string): string | undefined => (env[name] === '' ? undefined : env[name])
  const given = told('MUSTER_HOME')
  if (given !== undefined) return given
  if (platform === 'darwin') return join(homedir(), 'Library/Application Support/muster')
  if (platform === 'win32') {
    return join(told('LOCALAPPDATA') ?? join(homedir(), 'AppData/Local'), 'muster/Data')
  }
  return join(told('XDG_DATA_HOME') ?? join(homedir(), '.local/share'), 'muster')
}
